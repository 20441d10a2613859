import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { consulAddr, consulAddress } from '../../src/config/addresses.ts'
import { type Interfaces, ValueError } from '../../src/config/kind.ts'
import { type ListenerOptions, listeners, uiListener } from '../../src/config/listeners.ts'
import { expandAddress, localAddress, localIp, metricsPrefix } from '../../src/config/templates.ts'
import { interfaces, parseContext } from './context.ts'

const listener = (over: Partial<ListenerOptions>): ListenerOptions => ({
  host: '',
  port: 9999,
  proto: 'http',
  readTimeout: 1,
  writeTimeout: 2,
  idleTimeout: 3,
  pxyTimeout: null,
  ...over,
})

describe('proxy.addr', () => {
  test.each<[source: string, found: Partial<ListenerOptions>[]]>([
    ['', []],
    [':9999', [{}]],
    [':9090;proto=prometheus', [{ port: 9090, proto: 'prometheus' }]],
    ['1.2.3.4:9999;rt=3s', [{ host: '1.2.3.4', readTimeout: 3000 }]],
    ['localhost:80', [{ host: 'localhost', port: 80 }]],
    ['[::1]:80', [{ host: '::1', port: 80 }]],
    ['[fe80::1%eth0]:80', [{ host: 'fe80::1%eth0', port: 80 }]],
    [':0', [{ port: 0 }]],
    [':80, :81;wt=1m;it=0', [{ port: 80 }, { port: 81, writeTimeout: 60_000, idleTimeout: 0 }]],
    ['addr=:9999;proto=http', [{}]],
    [':9999;proto=prometheus', [{ proto: 'prometheus' }]],
    [':9999;rt=-1s', [{ readTimeout: 0 }]],
    [':9999;pxyproto=false', [{}]],
    [':9999;pxyproto=true', [{ pxyTimeout: 250 }]],
    [':9999;pxyproto=true;pxytimeout=0', [{ pxyTimeout: 250 }]],
    [':9999;pxyproto=true;pxytimeout=2s', [{ pxyTimeout: 2000 }]],
    ['{{ GetPrivateIP }}:9999', [{ host: '10.1.2.3' }]],
    ['{{GetPublicIP}}:9999', [{ host: '8.8.4.4' }]],
    ['{{ GetInterfaceIP "eth0" }}:9999', [{ host: '10.1.2.3' }]],
    ['{{ GetInterfaceIP "wg-6" }}:9999', [{ host: '2a00:1450::5' }]],
  ])('%j is read', (source, found) => {
    const warn = (text: string): never => {
      throw new Error(text)
    }
    expect(listeners.parse(source, parseContext({ warn }))).toEqual(found.map(listener))
  })

  const address = 'expected an address like :9999, 10.0.0.1:9999 or [::1]:9999'
  test.each([
    ['1.2.3.4', `${address}, got "1.2.3.4"`],
    ['::1:80', `${address}, got "::1:80"`],
    ['[eth0]:80', `${address}, got "[eth0]:80"`],
    [':65536', `${address}, got ":65536"`],
    [':http', `${address}, got ":http"`],
    ['a b:80', `${address}, got "a b:80"`],
    ['rt=3s', `${address}, got none`],
    [':80;rt=fast', 'rt: expected a duration like 500ms or 30s, got "fast"'],
    [
      ':80;proto=spdy',
      'proto: expected http, prometheus, https, grpc, grpcs, tcp, tcp+sni, tcp-dynamic or https+tcp+sni, got "spdy"',
    ],
    [
      ':443;cs=all,:3306;proto=tcp',
      'expected at least one listener that this version can open, which is http or prometheus without cs, got ":443;cs=all,:3306;proto=tcp"',
    ],
    [':443;cs=all;rt=fast,:80', 'rt: expected a duration like 500ms or 30s, got "fast"'],
    [':443;cert.pem;key.pem', 'expected key=value after ";", got "cert.pem"'],
  ])('%j is refused', (source, words) => {
    expect(() => listeners.parse(source, parseContext())).toThrow(new ValueError(words))
  })

  test.each([
    [':80;pxytimeout=1s', 'pxytimeout has no effect on a listener without pxyproto=true'],
    [':80;pxyproto=1', 'pxyproto has no effect on a listener without pxyproto=true'],
    [':80;strictmatch=true', 'strictmatch has no effect on an http listener'],
    [':80;tlsmin=tls12', 'tlsmin has no effect on an http listener'],
    [':80;readtimeout=3s', 'unknown listener option "readtimeout", ignored'],
  ])('%j warns', (source, words) => {
    const warnings: string[] = []
    const [found] = listeners.parse(source, parseContext({ warn: (text) => warnings.push(text) }))
    expect(found).toEqual(listener({ port: 80 }))
    expect(warnings).toEqual([words])
  })
})

// A file with one port for TLS beside the plain one did not start at all.
describe('a listener that this version cannot open', () => {
  test.each([
    [':443;cs=all', ':443 is not listened on: this version has no TLS yet'],
    ['10.0.0.1:443;proto=https', '10.0.0.1:443 is not listened on: this version has no https yet'],
    ['[::1]:443;proto=tcp+sni', '[::1]:443 is not listened on: this version has no tcp+sni yet'],
  ])('%j is left out and told, and the others are opened', (source, words) => {
    const warnings: string[] = []
    const context = parseContext({ warn: (text) => warnings.push(text) })
    expect(listeners.parse(`:80,${source}`, context)).toEqual([listener({ port: 80 })])
    expect(warnings).toEqual([words])
  })

  test.each(['cs=lb', 'pxyproto=true'])(
    '%s for the UI is told, and it is served over plain HTTP',
    (option) => {
      const warnings: string[] = []
      const context = parseContext({ warn: (text) => warnings.push(text) })
      expect(uiListener.parse(`:9998;${option}`, context)).toMatchObject({ port: 9998, proto: 'http' })
      const name = option.split('=')[0]
      expect(warnings).toEqual([
        `${name} has no effect: this version serves the UI and the API over plain HTTP`,
      ])
    },
  )
})

describe('ui.addr', () => {
  test('is one listener, HTTP whatever its proto, without the read and write time-outs of the proxy', () => {
    expect(uiListener.parse('127.0.0.1:9998;proto=https', parseContext())).toEqual(
      listener({ host: '127.0.0.1', port: 9998, readTimeout: 0, writeTimeout: 0 }),
    )
  })

  test.each(['', ':1,:2'])('%j is refused', (source) => {
    expect(() => uiListener.parse(source, parseContext())).toThrow(
      new ValueError(`expected exactly one listener, got ${JSON.stringify(source)}`),
    )
  })
})

describe('an address template', () => {
  const forms = '{{ GetPrivateIP }}, {{ GetPublicIP }} or {{ GetInterfaceIP "eth0" }}'
  test.each([
    [
      '{{ GetAllInterfaces | join "address" " " }}',
      `expected plain text, ${forms}, got "{{ GetAllInterfaces | join \\"address\\" \\" \\" }}"`,
    ],
    ['{{ GetPrivateIP', `expected plain text, ${forms}, got "{{ GetPrivateIP"`],
    ['GetPrivateIP }}', `expected plain text, ${forms}, got "GetPrivateIP }}"`],
    [
      '{{ GetInterfaceIP "eth9" }}',
      'expected {{ GetInterfaceIP "eth9" }} to name an interface of this machine (lo, eth0, docker0, eth1 or wg-6), got "eth9"',
    ],
  ])('%s is refused', (source, words) => {
    expect(() => expandAddress(source, interfaces)).toThrow(new ValueError(words))
  })

  test.each([
    [
      '{{ GetPrivateIP }}',
      'eth1',
      '{{ GetPrivateIP }}: expected a private address on this machine, got none',
    ],
    ['{{ GetPublicIP }}', 'eth0', '{{ GetPublicIP }}: expected a public address on this machine, got none'],
  ])('%s is refused where the machine has only %s', (source, only, words) => {
    expect(() => expandAddress(source, { [only]: interfaces[only] })).toThrow(new ValueError(words))
  })

  test('an interface without an address of use is refused', () => {
    const bare: Interfaces = { eth0: [{ address: 'fe80::1', family: 'IPv6', cidr: 'fe80::1/64' }] }
    expect(() => expandAddress('{{ GetInterfaceIP "eth0" }}', bare)).toThrow(
      new ValueError('{{ GetInterfaceIP "eth0" }}: expected an address on eth0, got none'),
    )
  })

  test.each([
    ['192.0.2.1', null],
    ['169.254.1.1', null],
    ['127.0.0.1', null],
    ['2001:db8::1', null],
    ['100.64.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['fd12::1', 'private'],
    ['2606:4700::1', 'public'],
    ['1.1.1.1', 'public'],
  ])('%s is %s', (address, kind) => {
    const machine: Interfaces = { eth0: [{ address, family: '', cidr: null }] }
    const found = (source: string): string | null => {
      try {
        return expandAddress(source, machine)
      } catch {
        return null
      }
    }
    expect(found('{{ GetPrivateIP }}')).toBe(kind === 'private' ? address : null)
    expect(found('{{ GetPublicIP }}')).toBe(kind === 'public' ? address : null)
  })

  test('plain text passes as it is, and none makes it throw anything but a ValueError', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '{{', '}}', ' GetPrivateIP ', 'a', ':') }),
        (source) => {
          try {
            const expanded = expandAddress(source, interfaces)
            if (!source.includes('{{')) expect(expanded).toBe(source)
          } catch (error) {
            expect(error).toBeInstanceOf(ValueError)
          }
        },
      ),
    )
  })
})

describe('proxy.localip', () => {
  test.each([
    ['auto', '10.1.2.99'],
    ['', ''],
    ['203.0.113.9', '203.0.113.9'],
    ['{{ GetPublicIP }}', '8.8.4.4'],
  ])('%j is %j', (source, found) => {
    expect(localIp.parse(source, parseContext())).toBe(found)
  })

  test('auto takes an IPv6 address where there is no other, and none where there is none', () => {
    expect(localAddress({ lo: interfaces.lo, 'wg-6': interfaces['wg-6'] })).toBe('2a00:1450::5')
    expect(localAddress({ lo: interfaces.lo })).toBeNull()
    expect(localIp.parse('auto', parseContext({ interfaces: {} }))).toBe('')
  })
})

describe('metrics.prefix', () => {
  test.each([
    ['{{clean .Hostname}}.{{clean .Exec}}', 'gate-1_example.gatehouse'],
    ['default', 'gate-1_example.gatehouse'],
    ['{{ .Hostname }}-x', 'Gate-1.example-x'],
    ['fabio', 'fabio'],
  ])('%j is %j', (source, prefix) => {
    expect(metricsPrefix.parse(source, parseContext())).toBe(prefix)
  })

  test('another template is refused', () => {
    expect(() => metricsPrefix.parse('{{ .Nope }}', parseContext())).toThrow(
      new ValueError('expected {{clean .Hostname}}, {{clean .Exec}} or plain text, got "{{ .Nope }}"'),
    )
  })
})

describe('registry.consul.addr', () => {
  test.each([
    ['localhost:8500', 'http', 'localhost', 8500],
    ['consul', 'http', 'consul', 8500],
    ['Consul.Example:8501', 'http', 'consul.example', 8501],
    ['https://consul.example:8501', 'https', 'consul.example', 8501],
    ['HTTP://10.0.0.1:8500/v1/kv', 'http', '10.0.0.1', 8500],
    ['https://my_consul/', 'https', 'my_consul', 8500],
    ['[::1]:8500', 'http', '::1', 8500],
    ['http://[2001:db8::1]', 'http', '2001:db8::1', 8500],
    [' localhost:8500 ', 'http', 'localhost', 8500],
  ])('%j is read', (source, scheme, host, port) => {
    expect(consulAddress(source)).toEqual({ scheme, host, port })
    expect(consulAddr.parse(source, parseContext())).toBe(source)
  })

  test.each([
    '',
    'https://',
    ':8500',
    '::1',
    '[::1',
    '[nope]:8500',
    'consul:0',
    'consul:65536',
    'consul:port',
    'unix:///var/run/consul.sock',
    'tcp://consul:8500',
    'user@consul:8500',
    'a b:8500',
    'consul\n:8500',
  ])('%j is refused', (source) => {
    expect(() => consulAddr.parse(source, parseContext())).toThrow(
      new ValueError(
        `expected an address like localhost:8500, [::1]:8500 or https://consul.example:8501, got ${JSON.stringify(source)}`,
      ),
    )
  })

  test('no text makes it throw anything but a ValueError', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('http', 's', '://', '/', ':', '[', ']', 'a', '8', '.', '%') }),
        (source) => {
          try {
            const { host, port } = consulAddress(source)
            expect(host).not.toBe('')
            expect(port).toSatisfy((n: number) => n > 0 && n < 65_536)
          } catch (error) {
            expect(error).toBeInstanceOf(ValueError)
          }
        },
      ),
    )
  })
})

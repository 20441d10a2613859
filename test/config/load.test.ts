// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${name} is the syntax under test.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StartError } from '../../src/base/errors.ts'
import { ConfigError, type LoadOptions, type LoadResult, loadConfig } from '../../src/config/load.ts'
import { interfaces } from './context.ts'

const fabioFile = '/etc/fabio/fabio.properties'

const systemError = (code: string): Error => Object.assign(new Error(`${code}: from the system`), { code })

interface Given {
  argv?: readonly string[]
  env?: Record<string, string>
  /** Text by path or URL. An Error is what reading it rejects with. */
  files?: Record<string, string | Error>
}

function load({ argv = [], env = {}, files = {} }: Given): Promise<LoadResult> {
  const open = async (name: string): Promise<string> => {
    const text = files[name] ?? systemError('ENOENT')
    if (text instanceof Error) throw text
    return text
  }
  const options: LoadOptions = {
    argv,
    env,
    readFile: (path) => (path.startsWith('http') ? Promise.reject(new Error('no file')) : open(path)),
    fetchText: (url) => (url.startsWith('http') ? open(url) : Promise.reject(new Error('no URL'))),
    interfaces,
    hostname: 'gate-1',
  }
  return loadConfig(options)
}

const fileWith = (...lines: string[]): Record<string, string> => ({ [fabioFile]: lines.join('\n') })

async function failure(given: Given): Promise<ConfigError> {
  const error: unknown = await load(given).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return error as ConfigError
}

describe('where a value comes from', () => {
  const set = {
    argv: ['-ui.title', 'flag'],
    env: { FABIO_UI_TITLE: 'env' },
    files: fileWith('ui.title = file'),
  }
  test.each<[Given, value: string, source: string]>([
    [set, 'flag', 'flag'],
    [{ ...set, argv: [] }, 'env', 'env FABIO_UI_TITLE'],
    [{ files: set.files }, 'file', `file ${fabioFile}:1`],
    [{}, '', 'default'],
    [{ ...set, argv: ['-ui.title='] }, '', 'flag'],
    [{ ...set, argv: [], env: { FABIO_UI_TITLE: '' } }, '', 'env FABIO_UI_TITLE'],
    [{ files: fileWith('ui.title = a', '', 'ui.title =') }, '', `file ${fabioFile}:3`],
    [{ env: { fabio_Ui_title: 'mixed' } }, 'mixed', 'env fabio_Ui_title'],
    [{ env: { fabio_ui_title: 'lower', FABIO_UI_TITLE: 'upper' } }, 'upper', 'env FABIO_UI_TITLE'],
    [{ env: { FABIO_UI_TITLE: 'upper', fabio_ui_title: 'lower' } }, 'upper', 'env FABIO_UI_TITLE'],
    [{ env: { UI_TITLE: 'bare', FABIO_UI_TITLE: 'prefixed' } }, 'prefixed', 'env FABIO_UI_TITLE'],
    [{ env: { UI_TITLE: 'bare' } }, 'bare', 'env UI_TITLE'],
  ])('%j gives %j', async (given, value, source) => {
    const { config, sources } = await load(given)
    expect(config['ui.title']).toBe(value)
    expect(sources['ui.title']).toBe(source)
  })

  test('the environment name of a key with capitals is all upper case', async () => {
    const { config } = await load({ env: { FABIO_REGISTRY_CONSUL_CHECKSREQUIRED: 'all' } })
    expect(config['registry.consul.checksRequired']).toBe('all')
  })

  test('a bad value that is overridden does no harm', async () => {
    const { config } = await load({
      argv: ['-proxy.maxconn', '7'],
      env: { FABIO_PROXY_MAXCONN: 'x' },
      files: fileWith('proxy.maxconn = y'),
    })
    expect(config['proxy.maxconn']).toBe(7)
  })

  test('-cfg and -version are not read from the environment or the file', async () => {
    const { sources } = await load({
      env: { FABIO_CFG: '/other', CFG: '/other', FABIO_VERSION: 'true', FABIO_V: 'true' },
      files: { '/other': 'ui.title = other' },
    })
    expect(sources['ui.title']).toBe('default')
  })
})

/*
 * A gateway in a Nomad job was refused by Consul with 403: the job gave fabio its token in CONSUL_HTTP_TOKEN, as
 * Consul's own tools take it, and only FABIO_REGISTRY_CONSUL_TOKEN was looked at (fabio reference 4.1).
 */
describe("a variable of Consul's own tools", () => {
  test.each([
    ['registry.consul.token', 'CONSUL_HTTP_TOKEN'],
    ['registry.consul.tokenfile', 'CONSUL_HTTP_TOKEN_FILE'],
    ['registry.consul.namespace', 'CONSUL_NAMESPACE'],
    ['registry.consul.partition', 'CONSUL_PARTITION'],
    ['registry.consul.tls.cafile', 'CONSUL_CACERT'],
    ['registry.consul.tls.capath', 'CONSUL_CAPATH'],
    ['registry.consul.tls.certfile', 'CONSUL_CLIENT_CERT'],
    ['registry.consul.tls.keyfile', 'CONSUL_CLIENT_KEY'],
    ['registry.consul.tls.servername', 'CONSUL_TLS_SERVER_NAME'],
  ] as const)('%s is taken from %s where it is not set, or set to nothing', async (key, name) => {
    const env = { [name]: 'theirs' }
    for (const given of [{ env }, { env, files: fileWith(`${key} =`) }]) {
      const { config, sources, warnings } = await load(given)
      expect([config[key], sources[key], warnings]).toEqual(['theirs', `env ${name}`, []])
    }
    for (const given of [
      { env, argv: [`-${key}=ours`] },
      { env, files: fileWith(`${key} = ours`) },
    ]) {
      expect((await load(given)).config[key]).toBe('ours')
    }
    expect((await load({ env: { [name]: '' } })).sources[key]).toBe('default')
  })
})

describe('the file', () => {
  test('one line is enough', async () => {
    const { config, warnings } = await load({ files: fileWith('registry.consul.addr = 10.0.0.7:8500') })
    expect(config['registry.consul.addr']).toBe('10.0.0.7:8500')
    expect(warnings).toEqual([])
  })

  test.each<[argv: string[], name: string]>([
    [['-cfg', '/a.properties'], '/a.properties'],
    [["--cfg='/a.properties'"], '/a.properties'],
    [['-cfg=http://conf.example/fabio'], 'http://conf.example/fabio'],
    [['-cfg', 'https://conf.example/${X}'], 'https://conf.example/${X}'],
    [['-cfg', '/conf/${DC}/a${NOTHING}'], '/conf/dc1/a'],
  ])('%j is read from %s', async (argv, name) => {
    const { sources } = await load({ argv, env: { DC: 'dc1' }, files: { [name]: 'ui.title = x' } })
    expect(sources['ui.title']).toBe(`file ${name}:1`)
  })

  test('an override of one value by another property and by the environment', async () => {
    const files = fileWith('host = 10.0.0.7', 'registry.consul.addr = ${host}:${PORT}')
    const { config, warnings } = await load({ files, env: { PORT: '8501' } })
    expect(config['registry.consul.addr']).toBe('10.0.0.7:8501')
    expect(warnings).toEqual([])
  })

  test.each<[what: string, given: Given, mistake: string]>([
    ['missing', { argv: ['-cfg', '/nope'] }, '/nope: expected a file, got nothing at this path'],
    [
      'below what is no directory',
      { argv: ['-cfg', '/a/b'], files: { '/a/b': systemError('ENOTDIR') } },
      '/a/b: expected a file, got nothing at this path',
    ],
    [
      'a directory',
      { files: { [fabioFile]: systemError('EISDIR') } },
      `${fabioFile}: expected a file, got a directory`,
    ],
    [
      'not readable',
      { files: { [fabioFile]: systemError('EACCES') } },
      `${fabioFile}: cannot be read: EACCES: from the system`,
    ],
    [
      'a URL that fails',
      { argv: ['-cfg', 'http://x/'], files: { 'http://x/': new Error('expected status 200, got 404') } },
      'http://x/: cannot be read: expected status 200, got 404',
    ],
    ['not named', { argv: ['-cfg'] }, 'flag -cfg: expected a file or URL, got nothing'],
  ])('is %s: one sentence, exit code 1', async (_, given, mistake) => {
    const { mistakes, exitCode } = await failure(given)
    expect(mistakes).toEqual([mistake])
    expect(exitCode).toBe(1)
  })
})

describe('mistakes', () => {
  test('are told all at once, in the order of file, environment and flags, with the exit code of a wrong flag', async () => {
    const error = await failure({
      argv: ['-ui.access', 'full', '-proxy.adr', ':80', '-proxy.maxconn'],
      env: { FABIO_PROXY_NOROUTESTATUS: '42', LOG_LEVEL: 'loud' },
      files: fileWith(
        'ui.addr = :1,:2',
        '# a comment',
        'proxy.dialtimeout = fast',
        'ui.title = \\u12',
        'ui.color = ${ui.color}',
        'proxy.addr = :9999;rt=30',
      ),
    })
    expect(error).toBeInstanceOf(StartError)
    expect(error.mistakes).toEqual([
      `${fabioFile}:1: ui.addr: expected exactly one listener, got ":1,:2"`,
      `${fabioFile}:3: proxy.dialtimeout: expected a duration like 500ms or 30s, got "fast"`,
      `${fabioFile}:4: expected four hexadecimal digits after "\\u", got "12"`,
      `${fabioFile}:5: ui.color: circular reference: ui.color -> ui.color`,
      `${fabioFile}:6: proxy.addr: rt: expected a duration like 500ms or 30s, got "30"`,
      'env FABIO_PROXY_NOROUTESTATUS: proxy.noroutestatus: expected a whole number from 200 to 999, got "42"',
      'env LOG_LEVEL: log.level: expected TRACE, DEBUG, INFO, WARN, ERROR or FATAL, got "loud"',
      'flag -proxy.adr: unknown option; did you mean -proxy.addr?',
      'flag -proxy.maxconn: expected a value, got nothing',
      'flag -ui.access: expected rw or ro, got "full"',
    ])
    expect(error.message.split('\n')).toEqual(error.mistakes)
    expect(error.exitCode).toBe(2)
  })

  test.each([
    ['proxy.strategy = rr ', null],
    ['proxy.strategy = leastconn', 'expected rr, rnd or least, got "leastconn"'],
    ['proxy.matcher = glob', null],
    ['proxy.matcher = regex', 'expected prefix, iprefix, glob or segment, got "regex"'],
    ['proxy.addr = :443;proto=https', 'expected at least one listener that this version can open'],
    ['registry.backend = file', null],
    ['registry.backend = etcd', 'expected consul, static, file or custom, got "etcd"'],
    ['registry.custom.scheme = ftp', 'expected https or http, got "ftp"'],
    ['registry.custom.pollinterval = 0', 'expected a duration of at least 1ms, got "0"'],
    [
      'registry.consul.service.status = healthy',
      'expected passing, warning, critical or unknown, got "healthy"',
    ],
    ['registry.retry = 0', 'expected a duration of at least 1ms, got "0"'],
    // Every key of the store would have been read, and again with each change of any.
    ['registry.consul.kvpath =', 'expected a path like /fabio/config, got ""'],
    ['registry.consul.noroutehtmlpath = //', 'expected a path like /fabio/config, got "//"'],
    ['registry.consul.kvpath = fabio/config', null],
    ['ui.path = fabio', 'expected a path like /fabio, got "fabio"'],
    ['ui.path = /a/../b', 'expected a path like /fabio, got "/a/../b"'],
    ['ui.path = /:x', 'expected a path like /fabio, got "/:x"'],
    ['ui.path = /fabio/', null],
    ['proxy.dialtimeout = 30', 'expected a duration like 500ms or 30s, got "30"'],
    ['registry.consul.tls.insecureskipverify = yes', 'expected true or false, got "yes"'],
    ['proxy.unhealthyroute = 404', 'expected 503 or fallthrough, got "404"'],
    ['proxy.grpcmaxrxmsgsize = big', 'expected a whole number, got "big"'],
  ])('%s: %s', async (line, words) => {
    const key = line.split(' ')[0]
    const loaded = load({ files: fileWith(line) })
    if (words === null) await expect(loaded).resolves.toBeDefined()
    else await expect(loaded).rejects.toThrow(`${fabioFile}:1: ${key}: ${words}`)
  })

  test('a bad token is not repeated', async () => {
    const { mistakes } = await failure({ env: { FABIO_REGISTRY_CONSUL_TOKEN: 'secret\n' } })
    expect(mistakes.join()).not.toContain('secret')
  })
})

/*
 * Issue: a file that fabio has run with for years was refused for its TLS port. Every key that fabio knows, set to what
 * its documentation shows, must load.
 */
test('a file that uses all of fabio loads, and what it cannot have yet is told', async () => {
  const { config, warnings } = await load({
    files: fileWith(
      'proxy.cs = cs=lb;type=path;cert=/etc/ssl/certs;hdr=Authorization: Bearer x',
      'proxy.addr = :9999;rt=10s, :443;cs=lb;tlsmin=tls12, :3306;proto=tcp, :8443;proto=tcp+sni;pxyproto=true',
      'ui.addr = :9998;cs=lb',
      'registry.consul.pollInterval = 1s',
      'bgp.enabled = true',
      'bgp.peers = address=1.2.3.4;asn=65001;password=geheim',
      'tracing.TracingEnabled = true',
      'glob.cache.size = 500',
      'runtime.gogc = 800',
    ),
  })
  expect(config['proxy.addr']).toEqual([expect.objectContaining({ port: 9999, readTimeout: 10_000 })])
  for (const key of ['proxy.cs', 'ui.addr', 'tracing.TracingEnabled', 'bgp.enabled', 'runtime.gogc']) {
    expect(
      warnings.filter((words) => words.includes(` ${key}: `)),
      key,
    ).not.toEqual([])
  }
  expect(warnings.filter((words) => words.includes('is not listened on'))).toHaveLength(3)
})

describe('warnings', () => {
  const accepted = 'has no effect: this version of Gatehouse does not have this feature of fabio'
  test.each<[what: string, given: Given, warnings: string[]]>([
    [
      'an unknown key',
      { files: fileWith('proxy.dialtimout = 3s') },
      [`${fabioFile}:1: proxy.dialtimout: unknown option, ignored; did you mean proxy.dialtimeout?`],
    ],
    [
      'an unknown key that is like none',
      { files: fileWith('tracing.TracingEnabled = true') },
      [`${fabioFile}:1: tracing.TracingEnabled: unknown option, ignored`],
    ],
    ['an unknown key that another value uses', { files: fileWith('t = x', 'ui.title = ${t}') }, []],
    [
      'a repeated key',
      { files: fileWith('ui.title = a', 'ui.title = b') },
      [`${fabioFile}:2: ui.title: stated again, line 1 does not count`],
    ],
    [
      'an accepted option',
      { files: fileWith('runtime.gogc = 50') },
      [`${fabioFile}:1: runtime.gogc: ${accepted}`],
    ],
    [
      'an accepted option on its default',
      { files: fileWith('metrics.interval = 30000ms', 'bgp.peers =') },
      [],
    ],
    [
      'an accepted option in the environment',
      { env: { FABIO_GLOB_CACHE_SIZE: '5' } },
      [`env FABIO_GLOB_CACHE_SIZE: glob.cache.size: ${accepted}`],
    ],
    ['an accepted option as a flag', { argv: ['-insecure'] }, [`flag -insecure: ${accepted}`]],
    [
      'a name in the environment without prefix (quirk 52)',
      { env: { UI_TITLE: 'x' } },
      ['env UI_TITLE: read as ui.title, though it does not begin with FABIO_'],
    ],
    ['such a name that a flag overrides', { env: { UI_TITLE: 'x' }, argv: ['-ui.title', 'y'] }, []],
    [
      'a name in the environment that is nearly right',
      {
        env: {
          FABIO_PROXY_ADR: ':80',
          FABIO_PORT_9999_TCP: 'tcp://1.2.3.4:9999',
          FABIO_SERVICE_HOST: '1.2.3.4',
        },
      },
      ['env FABIO_PROXY_ADR: unknown option, ignored; did you mean FABIO_PROXY_ADDR?'],
    ],
    [
      'false after a bool (quirk 51)',
      { argv: ['-insecure', 'false'] },
      ['flag -insecure: false is read as its value; fabio needs -insecure=false'],
    ],
    [
      'a deprecated name',
      { files: fileWith('proxy.log.routes = all', 'log.routes.format = detail') },
      [`${fabioFile}:1: proxy.log.routes: another name of log.routes.format, which is the one to use`],
    ],
    [
      'the spelling of the documentation (quirk 54)',
      { argv: ['-registry.consul.pollInterval', '0'] },
      [
        'flag -registry.consul.pollInterval: another name of registry.consul.pollinterval, which is the one to use',
      ],
    ],
    [
      'a listener option without effect',
      { argv: ['-proxy.addr', ':80;tlsmin=tls12'] },
      ['flag -proxy.addr: tlsmin has no effect on an http listener'],
    ],
  ])('%s', async (_, given, warnings) => {
    expect((await load(given)).warnings).toEqual(warnings)
  })

  test('the deprecated name of an option wins, as in fabio', async () => {
    const { config } = await load({ files: fileWith('proxy.log.routes = all', 'log.routes.format = detail') })
    expect(config['log.routes.format']).toBe('all')
  })
})

describe('how consistent reads are (quirk 58)', () => {
  const consistent = 'registry.consul.requireConsistent'
  const stale = 'registry.consul.allowStale'
  test.each<[lines: string[], requireConsistent: boolean, allowStale: boolean, staleSource: string]>([
    [[], false, true, 'default'],
    [[`${consistent} = true`], true, false, `follows from ${consistent}`],
    [[`${consistent} = false`], false, true, 'default'],
    [[`${stale} = true`], false, true, `file ${fabioFile}:1`],
    [[`${stale} = false`], false, false, `file ${fabioFile}:1`],
    [[`${stale} = false`, `${consistent} = true`], true, false, `file ${fabioFile}:1`],
    [[`${stale} = false`, `${consistent} = false`], false, false, `file ${fabioFile}:1`],
  ])('%j', async (lines, requireConsistent, allowStale, staleSource) => {
    const { config, sources } = await load({ files: fileWith(...lines) })
    expect([config[consistent], config[stale]]).toEqual([requireConsistent, allowStale])
    expect(sources[stale]).toBe(staleSource)
  })

  test('both is a mistake that names both places', async () => {
    const { mistakes } = await failure({
      env: { FABIO_REGISTRY_CONSUL_ALLOWSTALE: 'true' },
      files: fileWith(`${consistent} = true`),
    })
    expect(mistakes).toEqual([
      `${fabioFile}:1: ${consistent}: expected false where ${stale} is true (env FABIO_REGISTRY_CONSUL_ALLOWSTALE), got true`,
    ])
  })
})

describe('the result', () => {
  test('has typed values: durations in ms, lists, listeners with the time-outs of the proxy', async () => {
    const { config } = await load({
      files: fileWith(
        'proxy.readtimeout = 5s',
        'proxy.clientidletimeout = 1m',
        'proxy.addr = :80,127.0.0.1:81;rt=250ms;it=0',
        'registry.consul.service.status = passing, warning',
        'log.level = debug',
        'metrics.prefix = default',
      ),
    })
    const plain = { proto: 'http', pxyTimeout: null }
    expect(config['proxy.addr']).toEqual([
      { ...plain, host: '', port: 80, readTimeout: 5000, writeTimeout: 0, idleTimeout: 60_000 },
      { ...plain, host: '127.0.0.1', port: 81, readTimeout: 250, writeTimeout: 0, idleTimeout: 0 },
    ])
    expect(config['ui.addr']).toEqual({
      ...plain,
      host: '',
      port: 9998,
      readTimeout: 0,
      writeTimeout: 0,
      idleTimeout: 60_000,
    })
    expect(config['proxy.dialtimeout']).toBe(30_000)
    expect(config['registry.consul.service.status']).toEqual(['passing', 'warning'])
    expect(config['log.level']).toBe('DEBUG')
    expect(config['proxy.localip']).toBe('10.1.2.99')
    expect(config['metrics.prefix']).toBe('gate-1.gatehouse')
  })

  test('is frozen all the way down', async () => {
    const { config, sources } = await load({})
    for (const part of [config, sources, config['proxy.addr'], config['proxy.addr'][0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

test('no file, environment or command line makes it throw anything but a ConfigError', async () => {
  const key = fc.constantFrom(
    'proxy.addr',
    'ui.addr',
    'proxy.maxconn',
    'proxy.readtimeout',
    'proxy.cs',
    'registry.consul.addr',
    'x',
  )
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(':80', '3s', '7', '${x}', '${ui.addr}', '{{ GetPrivateIP }}:1', '"', 'a=b;c'),
  )
  const lines = fc.array(
    fc.tuple(key, fc.constantFrom(' = ', ':', ' '), value).map((parts) => parts.join('')),
  )
  const argv = fc.array(
    fc.oneof(
      key.map((name) => `-${name}`),
      value,
    ),
  )
  const env = fc.dictionary(
    key.map((name) => `FABIO_${name.replaceAll('.', '_')}`),
    value,
  )
  await fc.assert(
    fc.asyncProperty(lines, argv, env, async (text, args, variables) => {
      try {
        await load({ argv: args, env: variables, files: fileWith(...text) })
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
        expect((error as ConfigError).mistakes).not.toHaveLength(0)
      }
    }),
    { numRuns: 500 },
  )
})

describe('metrics.target = circonus', () => {
  const target = 'metrics.target = prometheus,circonus'

  test('has an address', async () => {
    const { config, warnings } = await load({
      files: fileWith(
        target,
        'metrics.circonus.submissionurl = https://trap.example:43191/module/httptrap/id/s',
      ),
    })
    expect(config['metrics.target']).toEqual(['prometheus', 'circonus'])
    expect(warnings).toEqual([])
  })

  test('is left out where fabio would make a check with the key, and what to do is said', async () => {
    const { config, warnings } = await load({ files: fileWith(target, 'metrics.circonus.apikey = k') })
    expect(config['metrics.target']).toEqual(['prometheus'])
    expect(warnings.at(-1)).toMatch(
      /^\/etc\/fabio\/fabio.properties:1: metrics.target: circonus is left out: .* set metrics.circonus.submissionurl to its data submission URL$/,
    )
  })

  test('with neither address nor key is a mistake, as in fabio', async () => {
    expect((await failure({ files: fileWith(target) })).mistakes).toEqual([
      '/etc/fabio/fabio.properties:1: metrics.target: circonus: expected its address in metrics.circonus.submissionurl, got none',
    ])
  })
})

import type { Interfaces, ParseContext } from '../../src/config/kind.ts'

/** A machine with the usual network: loopback, a main interface with two addresses, a container bridge. */
export const interfaces: Interfaces = {
  lo: [
    { address: '127.0.0.1', family: 'IPv4', cidr: '127.0.0.1/8' },
    { address: '::1', family: 'IPv6', cidr: '::1/128' },
  ],
  eth0: [
    { address: 'fe80::5', family: 'IPv6', cidr: 'fe80::5/64' },
    { address: 'fd00::5', family: 'IPv6', cidr: 'fd00::5/64' },
    { address: '10.1.2.99', family: 'IPv4', cidr: '10.1.2.99/32' },
    { address: '10.1.2.3', family: 'IPv4', cidr: '10.1.2.3/24' },
  ],
  docker0: [{ address: '172.17.0.1', family: 'IPv4', cidr: '172.17.0.1/16' }],
  eth1: [{ address: '8.8.4.4', family: 'IPv4', cidr: '8.8.4.4/24' }],
  'wg-6': [{ address: '2a00:1450::5', family: 'IPv6', cidr: '2a00:1450::5/64' }],
}

export function parseContext(over: Partial<ParseContext> = {}): ParseContext {
  return {
    interfaces,
    hostname: 'Gate-1.example',
    listenerTimeouts: { readTimeout: 1, writeTimeout: 2, idleTimeout: 3 },
    warn: () => {},
    ...over,
  }
}

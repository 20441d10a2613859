import { StartError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { splitHostPort } from '../config/addresses.ts'
import type { Config } from '../config/load.ts'
import { boundsOf } from '../observe/metrics.ts'
import { circonus } from '../observe/push/circonus.ts'
import { dogstatsd, graphite, statsd } from '../observe/push/formats.ts'
import { Pusher, type PushTarget } from '../observe/push/pusher.ts'
import {
  type Address,
  httpTransport,
  printTransport,
  tcpTransport,
  udpTransport,
} from '../observe/push/transports.ts'
import type { Traffic } from '../traffic.ts'
import type { CommandContext } from './command.ts'

/**
 * What sends metrics to those of `metrics.target` that do not come for them. Throws a StartError where one has no
 * address, as fabio does.
 */
export function metricsPusher(config: Config, traffic: Traffic, context: CommandContext, log: Log): Pusher {
  const options = {
    prefix: config['metrics.prefix'],
    separator: config['metrics.separator'],
    routeName: config['metrics.names'],
  }
  const mistakes: string[] = []
  const addressOf = (
    target: string,
    key: 'metrics.statsd.addr' | 'metrics.dogstatsd.addr' | 'metrics.graphite.addr',
  ): Address => {
    const address = splitHostPort(config[key])
    if (address === null || address.port === null) {
      mistakes.push(`${key}: expected an address, since metrics.target has ${target}`)
      return { host: '', port: 0 }
    }
    return { host: address.host, port: address.port }
  }
  const named = (what: string, { host, port }: Address): string => `${what} ${host}:${port}`
  const targets = config['metrics.target'].flatMap((target): PushTarget[] => {
    switch (target) {
      case 'prometheus':
        return []
      case 'statsd_raw': {
        const address = addressOf(target, 'metrics.statsd.addr')
        return [{ name: named(target, address), format: statsd(options), transport: udpTransport(address) }]
      }
      case 'dogstatsd': {
        const address = addressOf(target, 'metrics.dogstatsd.addr')
        return [
          { name: named(target, address), format: dogstatsd(options), transport: udpTransport(address) },
        ]
      }
      case 'graphite': {
        const address = addressOf(target, 'metrics.graphite.addr')
        return [
          {
            name: named(target, address),
            format: graphite(options),
            transport: tcpTransport(address, context.world.clock),
          },
        ]
      }
      case 'circonus': {
        const url = config['metrics.circonus.submissionurl']
        return [
          {
            name: `circonus ${new URL(url).host}`,
            format: circonus(options),
            transport: httpTransport(url, context.world.clock),
          },
        ]
      }
      case 'label':
        return [{ name: target, format: dogstatsd(options), transport: printTransport(context.print) }]
      default:
        return [{ name: target, format: statsd(options), transport: printTransport(context.print) }]
    }
  })
  if (mistakes.length > 0) throw new StartError(mistakes)
  const bounds = boundsOf(config['metrics.prometheus.buckets'])
  const parts = { world: context.world, log }
  return new Pusher(targets, config['metrics.interval'], bounds, () => traffic.metrics(), parts)
}

import { logFormats, logLevels } from '../base/log.ts'
import { accessFormat, accessTarget } from './access-log.ts'
import { consulAddr } from './addresses.ts'
import { authSchemes } from './auth-schemes.ts'
import { fieldNames, fieldValues } from './field-values.ts'
import type { Kind } from './kind.ts'
import { listeners, uiListener } from './listeners.ts'
import { hostAndPort, metricsTargets, routeMetricName } from './metrics-targets.ts'
import { names, origins } from './origins.ts'
import {
  absolutePath,
  addressBlocks,
  anyCase,
  basePath,
  bool,
  choice,
  duration,
  floats,
  headerName,
  httpUrl,
  int,
  kvPath,
  line,
  list,
  listOf,
  pagesByStatus,
  pairs,
  rates,
  ratio,
  regularExpression,
  signedDuration,
  text,
  timeout,
  uint,
} from './parsers.ts'
import { deregisterAfter, registeredAddress } from './registration.ts'
import { localIp, metricsPrefix } from './templates.ts'
import { uiAuth } from './ui-auth.ts'

/** `works`: does what it says. `accepted`: fabio has it and this version has not; setting it warns and does nothing. */
export type Support = 'works' | 'accepted'

export interface OptionRow<T> {
  readonly kind: Kind<T>
  /** As it would be written in a properties file. */
  readonly default: string
  readonly support: Support
  /** A variable of Consul's own tools that counts where the option is not set, or set to nothing (reference 4.1). */
  readonly standIn?: string
  /** Sentences for the reference, the example file and the help. */
  readonly doc: readonly string[]
}

const row =
  (support: Support) =>
  <T>(kind: Kind<T>, defaultText: string, ...doc: readonly string[]): OptionRow<T> => ({
    kind,
    default: defaultText,
    support,
    doc,
  })

const works = row('works')
const accepted = row('accepted')

const orElse = <T>(standIn: string, option: OptionRow<T>): OptionRow<T> => ({ ...option, standIn })

/**
 * Every option, one row each, in the order of the reference: fabio's (reference 13.4) and our own. To make an accepted
 * one work is to change its first word, and its kind where that is to be stricter.
 */
export const options = {
  'proxy.addr': works(
    listeners,
    ':9999',
    'Addresses on which requests come in, comma separated.',
    'Options of one follow after ";": rt, wt and it are its own proxy.readtimeout, proxy.writetimeout and proxy.clientidletimeout; proto is http, or prometheus for a port that serves the metrics and no requests; pxyproto=true reads PROXY headers, which may take pxytimeout (250ms) to come.',
    'Addresses of this machine: {{ GetPrivateIP }}, {{ GetPublicIP }}, {{ GetInterfaceIP "eth0" }}.',
    'Example: 127.0.0.1:9999;rt=30s,[::1]:9999',
  ),
  'proxy.cs': accepted(pairs, '', 'Certificate sources of TLS listeners.'),
  'proxy.auth': works(
    authSchemes,
    '',
    'Authorisation schemes that routes name with auth=, comma separated: name and type, and what the type takes, with ";" between. Types: basic, forward, jwt.',
    'basic checks user and password against an htpasswd file: file, realm, refresh.',
    'forward asks a service about each request: url, timeout, tlsskipverify, and the header fields that are copied, requestheaders, upstreamheaders, responseheaders. fabio has no such type.',
    'jwt checks signed tokens: url or file of the keys, refresh, timeout, issuer, audience, algorithms, leeway, header, cookie, claims. fabio has no such type.',
    'A list of more than one item stands in quotes: claims="sub:X-User,email:X-Email"',
    'Example: name=staff;type=basic;file=/etc/gatehouse/htpasswd;refresh=30s',
  ),
  'proxy.strategy': works(
    choice(['rr', 'rnd', 'least']),
    'rr',
    'How an instance is chosen: rr is weighted round-robin, rnd is weighted random, least is the one of two at random that has fewer requests under way for its weight. A route may state its own: strategy=least',
    "fabio's default is rnd; rr has the same shares and spreads requests more evenly.",
  ),
  'proxy.matcher': works(
    choice(['prefix', 'iprefix', 'glob', 'segment']),
    'prefix',
    'How the path of a route is compared that has no matcher= of its own: prefix and iprefix (whatever the case), the longest one wins; glob is a pattern for the whole path; segment is a prefix that ends where a segment ends.',
    'fabio has no segment.',
  ),
  'proxy.noroutestatus': works(
    int({ min: 200, max: 999 }),
    '404',
    'Status of the answer when no route matches.',
    'fabio takes 100 to 199 as well, which no client reads as a final answer.',
  ),
  'proxy.errorpages': works(
    pagesByStatus,
    '',
    'Files with the HTML of error answers of the gateway itself, by status or class of status, comma separated; they are read at the start. Clients that ask for JSON get JSON all the same.',
    'Example: 404=/etc/gatehouse/404.html,5xx=/etc/gatehouse/error.html',
  ),
  'proxy.unhealthyroute': works(
    choice(['503', 'fallthrough']),
    '503',
    'What a request gets whose route is known and has no healthy instance: 503 with Retry-After, or fallthrough to the next shorter prefix as in fabio.',
  ),
  'proxy.maxconn': works(
    int({ min: 0 }),
    '10000',
    'Largest number of connections to one instance from each process that serves requests; 0: no limit. More requests than that wait for one.',
    'fabio limits the idle ones alone.',
  ),
  'proxy.maxconns': works(
    int({ min: 0, max: 10_000_000 }),
    '0',
    'Largest number of client connections of each process that serves requests; 0: as many as its file descriptors allow, which is half of them less what it needs for itself.',
    'Beyond it a connection that has been idle for a second is closed for a new one; where there is none, the new one is answered by 503.',
    'fabio has no limit but that of its file descriptors.',
  ),
  'proxy.dialtimeout': works(duration(), '30s', 'Time allowed to connect to an instance; 0: no limit.'),
  'proxy.responseheadertimeout': works(
    timeout,
    '0s',
    'Time allowed from the end of the request to the head of the answer; 0: no limit.',
  ),
  'proxy.keepalivetimeout': works(
    signedDuration,
    '0s',
    'Period of TCP keep-alive probes to instances; 0: as the operating system has it, negative: none.',
  ),
  'proxy.idleconntimeout': works(
    timeout,
    '15s',
    'Longest time for which an idle connection to an instance is kept; 0: as long as its Keep-Alive header allows.',
    'An instance that announces no time of its own gets 4s, because many servers close after 5s and a request would be lost.',
  ),
  'proxy.readtimeout': works(
    timeout,
    '0s',
    'Time allowed to read a whole request with its body; 0: no limit. A listener may state its own: ;rt=5s',
  ),
  'proxy.writetimeout': works(
    timeout,
    '0s',
    'Time allowed from the head of a request to the end of its answer; 0: no limit. A listener may state its own: ;wt=5s',
  ),
  'proxy.requesttimeout': works(
    timeout,
    '0s',
    'Time allowed from the head of a request to the end of its answer, answered by 504 while nothing of the answer was sent; 0: no limit. A route may state its own: timeout=5s',
    'fabio has no such limit.',
  ),
  'proxy.answeridletimeout': works(
    timeout,
    '0s',
    'Time for which the answer of an instance may stand still; 0: no limit. A route may state its own: idletimeout=1m',
    'fabio has no such limit.',
  ),
  'proxy.retry.attempts': works(
    int({ min: 0, max: 10 }),
    '2',
    'How often a request may be tried again: any when its connection failed before anything was sent, an idempotent one when a kept connection died. A route may state its own: retry=0',
    'fabio tries once.',
  ),
  'proxy.retry.budget': works(
    int({ min: 0, max: 100 }),
    '20',
    'Percentage of the requests of the last ten seconds that may be sent again, so that instances in trouble are not asked twice as much. Requests that reached nobody do not count.',
  ),
  'proxy.retry.minimum': works(
    int({ min: 0 }),
    '3',
    'Number of requests that may be sent again in each second in any case.',
  ),
  'proxy.retry.bodysize': works(
    int({ min: 0, max: 16_777_216 }),
    '16384',
    'Largest body of an idempotent request in bytes that is kept so that it can be sent again; 0: none is.',
  ),
  'proxy.ejection': works(
    choice(['on', 'off']),
    'on',
    'Whether an instance that fails again and again gets no requests for a while, whatever its checks say. Each process finds out for itself.',
    'fabio goes on sending.',
  ),
  'proxy.ejection.failures': works(
    int({ min: 1, max: 1000 }),
    '5',
    'Number of failures in a row after which an instance is ejected: no connection, a reset, a time limit, or 502, 503 or 504. Never 500.',
  ),
  'proxy.ejection.time': works(
    duration('1ms'),
    '10s',
    'Time for which an instance is ejected first; twice as long each further time in a row. Then one request decides whether it is back.',
  ),
  'proxy.ejection.maxtime': works(
    duration('1ms'),
    '5m',
    'Longest time for which an instance is ejected. One that has served for so long since starts from proxy.ejection.time again.',
  ),
  'proxy.ejection.maxpercent': works(
    int({ min: 1, max: 100 }),
    '50',
    "Percentage of a route's instances that may be ejected together; one of several always may, and the last one never.",
  ),
  'proxy.ejection.panic': works(
    int({ min: 0, max: 100 }),
    '30',
    "Percentage of a route's instances: with fewer left its ejected ones get requests as well.",
  ),
  'proxy.draintimeout': works(
    timeout,
    '5m',
    'Time that running requests and websockets have to end once their instance has left the route table; then they are cut. 0: no limit.',
    'fabio lets them run for ever.',
  ),
  'proxy.slowstart': works(
    timeout,
    '0s',
    'Time over which the share of an instance rises from a tenth to the whole, once it is new in a route table that serves or back from an ejection; 0: at once.',
    'fabio has no slow start.',
  ),
  'proxy.queue.size': works(
    int({ min: 0, max: 1_000_000 }),
    '100',
    'Number of requests to one route that may wait for an instance whose maxconn= is reached, answered by 503 when there are more. A route may state its own: maxqueue=10',
    'As many may wait for a connection to one instance where proxy.maxconn are in use. Those that find no place go to another instance.',
  ),
  'proxy.queue.timeout': works(
    timeout,
    '5s',
    'Time that such a request waits at most, answered by 503 when it is over; 0: no limit. A route may state its own: queuetimeout=1s',
  ),
  'proxy.clientidletimeout': works(
    timeout,
    '75s',
    'Time after which a client connection without a request is closed; 0: never. A listener may state its own: ;it=5s',
    'fabio has no limit unless the listener states it.',
  ),
  'proxy.headertimeout': works(
    timeout,
    '10s',
    'Time allowed to read the head of a request, answered by 408 when it is over; 0: no limit.',
    'fabio has no limit: slow clients hold its connections.',
  ),
  'proxy.maxheadersize': works(
    int({ min: 1024, max: 16_777_216 }),
    '65536',
    'Largest head of a request in bytes, answered by 431 when it is larger.',
    "fabio's limit is 1 MiB.",
  ),
  'proxy.maxheaders': works(
    int({ min: 10, max: 10_000 }),
    '250',
    'Largest number of header lines of a request, answered by 431 when there are more; they are never dropped.',
    'fabio has no limit.',
  ),
  'proxy.maxuri': works(
    int({ min: 8000, max: 16_777_216 }),
    '16384',
    'Largest request target (path and query) in bytes, answered by 414 when it is longer.',
    'fabio has no limit but that of all headers.',
  ),
  'proxy.maxbody': works(
    int({ min: 0 }),
    '0',
    'Largest body of a request in bytes, answered by 413 when it is larger; 0: no limit.',
    'fabio has no limit.',
  ),
  'proxy.bodystalltimeout': works(
    timeout,
    '30s',
    'Time for which the body of a request may stand still, answered by 408 when it is over; 0: no limit.',
    'fabio has no limit: stalled uploads hold its connections and those to the instances.',
  ),
  'proxy.workers': works(
    int({ min: 0, max: 1024 }),
    '0',
    'Number of processes that serve requests; 0: one for each core, 1: the main process serves them itself.',
    'fabio is one process that uses all cores.',
  ),
  'proxy.upstream.client': works(
    choice(['wire', 'undici']),
    'wire',
    'What speaks to instances over plain HTTP: the gateway itself, or the client undici. TLS is spoken by undici.',
    'fabio has no such choice.',
  ),
  'proxy.upstream.reuse': works(
    choice(['always', 'safe']),
    'always',
    'Which requests may go out on a kept connection to an instance: all, or with safe those alone that may be sent again when the instance closes it at that very moment (GET, HEAD, OPTIONS, TRACE, PUT, DELETE). The others then cost a connection each.',
    'fabio does what always says. It counts for proxy.upstream.client = wire.',
  ),
  'proxy.flushinterval': accepted(
    signedDuration,
    '1s',
    'How often a text/event-stream answer is flushed. Here every answer is passed on as it comes.',
  ),
  'proxy.globalflushinterval': accepted(
    signedDuration,
    '0s',
    'How often any other answer is flushed. Here every answer is passed on as it comes.',
  ),
  'proxy.shutdownwait': works(
    timeout,
    '5s',
    'Time that running requests, streams and websockets are given to end when Gatehouse stops.',
    "fabio's default is 0s, which cuts them.",
  ),
  'proxy.deregistergraceperiod': works(
    timeout,
    '0s',
    'Time for which everything is still served after deregistration from Consul, while /health fails, before proxy.shutdownwait begins. See docs/shutdown.md.',
  ),
  'proxy.localip': works(
    localIp,
    'auto',
    'Address of this machine as by= in the Forwarded header; auto: its first address that others can reach, empty: none.',
    'May be a template like {{ GetPrivateIP }}. In fabio, leaving the option out means what auto means here.',
  ),
  'proxy.trusted': works(
    addressBlocks,
    '',
    'Addresses of proxies before this one, comma separated, as CIDR blocks like 10.0.0.0/8. Their X-Forwarded-*, Forwarded and PROXY headers are believed and extended, those of everybody else are replaced.',
    "Empty: as in fabio, what any client sends is extended or kept, and access rules go by the connection's own address. See docs/client-identity.md.",
  ),
  'proxy.header.clientip': works(
    headerName,
    '',
    "Header field that is set to the client's address, for example X-Client-IP; empty: none.",
  ),
  'proxy.header.requestid': works(
    headerName,
    '',
    'Header field that is set to a new id for each request, for example X-Request-Id; empty: none.',
  ),
  'proxy.header.tls': works(
    headerName,
    '',
    'Header field that is set on requests that came over TLS, and taken from all others.',
  ),
  'proxy.header.tls.value': works(line, '', 'Value of the field that proxy.header.tls names.'),
  'proxy.header.sts.maxage': works(
    int({ min: 0 }),
    '0',
    'max-age of Strict-Transport-Security in seconds, on every answer over TLS and in place of what an instance says; 0: not sent.',
    'fabio sends a second line beside that of the instance, and none with its own answers. See docs/headers.md.',
  ),
  'proxy.header.sts.subdomains': works(bool, 'false', 'Adds includeSubdomains to Strict-Transport-Security.'),
  'proxy.header.sts.preload': works(bool, 'false', 'Adds preload to Strict-Transport-Security.'),
  'proxy.header.request.remove': works(
    fieldNames,
    '',
    'Header fields that are taken from every request, comma separated. A route adds its own: header.request.remove=X-Name',
    'fabio has no such option, nor the next five. See docs/headers.md.',
  ),
  'proxy.header.request.set': works(
    fieldValues,
    '',
    'Header fields that every request is sent on with, in place of what it came with. A value with a comma stands in "...". A route adds its own: header.request.set=X-Name:value',
    'Example: X-Env: prod, X-Note: "a, b"',
  ),
  'proxy.header.request.add': works(
    fieldValues,
    '',
    'Header fields that are added to every request. A route adds its own: header.request.add=X-Name:value',
  ),
  'proxy.header.response.remove': works(
    fieldNames,
    '',
    'Header fields that are taken from the answers of instances, comma separated. A route adds its own: header.response.remove=X-Name',
    'Example: Server, X-Powered-By',
  ),
  'proxy.header.response.set': works(
    fieldValues,
    '',
    "Header fields of every answer, in place of what an instance says; also of the gateway's own answers, unless they say it themselves. A route adds its own: header.response.set=X-Name:value",
    'Example: X-Frame-Options: DENY, Permissions-Policy: "camera=(), geolocation=()"',
  ),
  'proxy.header.response.add': works(
    fieldValues,
    '',
    'Header fields that are added to every answer. A route adds its own: header.response.add=X-Name:value',
  ),
  'proxy.gzip.contenttype': works(
    regularExpression,
    '',
    'Regular expression of the content types whose answers are compressed where the client accepts that; empty: none. A route may state its own: compress=off',
    'Example: ^(text/.*|application/(javascript|json|xml)|image/svg\\+xml|.*\\+(json|xml))(;.*)?$ See docs/compression.md.',
  ),
  'proxy.compress.encodings': works(
    listOf(choice(['gzip', 'br', 'zstd'])),
    'zstd,br,gzip',
    'Content codings that are made, the most preferred first: what a client accepts equally is decided by this order. zstd needs Node 22.15 and is left out where that lacks it.',
    'fabio makes gzip alone.',
  ),
  'proxy.compress.minsize': works(
    int({ min: 0 }),
    '1024',
    'Answers that say that they have fewer bytes are not compressed.',
    'fabio compresses any.',
  ),
  'proxy.compress.maxstreams': works(
    int({ min: 0 }),
    '250',
    'Number of answers that one process compresses at a time, for each takes up to 1 MiB of memory; event streams get half of them; more go on as they are. 0: no limit.',
    'fabio has no limit.',
  ),
  'proxy.compress.level.gzip': works(int({ min: 1, max: 9 }), '5', 'Effort of gzip: 1 is fast, 9 is small.'),
  'proxy.compress.level.br': works(int({ min: 0, max: 11 }), '4', 'Effort of brotli.'),
  'proxy.compress.level.zstd': works(int({ min: 1, max: 19 }), '3', 'Effort of zstd.'),
  'proxy.cors': works(
    origins,
    '',
    'Origins whose pages may read answers, comma separated: https://app.example.com, https://*.example.com, http://localhost:*, or * for all; empty: instances decide. A route may state its own: cors=https://app.example.com',
    'The gateway then answers preflights and says all Access-Control fields itself. fabio has no such option, nor the next five. See docs/cors.md.',
  ),
  'proxy.cors.methods': works(
    names,
    'GET,HEAD,POST,PUT,PATCH,DELETE',
    'Methods that such pages may use; * is any. A route may state its own: cors.methods=GET,POST',
  ),
  'proxy.cors.headers': works(
    names,
    '*',
    'Request headers that such pages may send; * is any. A route may state its own: cors.headers=Content-Type',
  ),
  'proxy.cors.expose': works(
    names,
    '',
    'Headers of answers that such pages may read beside the usual ones. A route may state its own: cors.expose=X-Total-Count',
  ),
  'proxy.cors.credentials': works(
    bool,
    'false',
    'Whether such pages may send cookies and the like; not where proxy.cors is *. A route may state its own: cors.credentials=true',
  ),
  'proxy.cors.maxage': works(
    duration(),
    '10m',
    'How long browsers may keep the answer to a preflight. A route may state its own: cors.maxage=1h',
  ),
  'proxy.ratelimit': works(
    rates,
    '',
    'Limits on the requests of one client address, like 100/m or 10/s,burst=50, with blanks between several; with per=all of all clients together; empty: none. Answered by 429. They count all routes together but those that state their own: ratelimit=100/m',
    'fabio has no limits. See docs/ratelimit.md.',
  ),
  'proxy.ratelimit.clients': works(
    int({ min: 1, max: 10_000_000 }),
    '100000',
    'Number of clients whose requests are counted at a time, per limit; with more, who was seen longest ago is forgotten. Each takes some 270 bytes in every process that serves.',
  ),
  'proxy.grpcmaxrxmsgsize': accepted(int(), '4194304', 'Largest gRPC message received, in bytes.'),
  'proxy.grpcmaxtxmsgsize': accepted(int(), '4194304', 'Largest gRPC message sent, in bytes.'),
  'proxy.grpcshutdowntimeout': accepted(timeout, '2s', 'Time that gRPC streams are given to end.'),

  'log.level': works(
    anyCase(logLevels),
    'INFO',
    'Least important level that is logged: TRACE, DEBUG, INFO, WARN, ERROR or FATAL, in any case.',
  ),
  'log.format': works(
    choice(logFormats),
    'plain',
    'Form of the log: plain, one line each as in fabio with area and code added, or json.',
  ),
  'log.limit': works(
    int({ min: 0, max: 10_000 }),
    '5',
    'Lines with one code that are logged in a second, beyond a first burst of 50; what comes more often is counted and left out. 0: no limit.',
    'Lines of level DEBUG are never left out. fabio has no limit.',
  ),
  'log.routes.format': works(
    choice(['delta', 'all', 'detail']),
    'delta',
    'How a change of the route table is logged: delta is a line for each command that is gone or new, all is the table as commands, detail is the table as a tree with the shares.',
  ),
  'log.access.target': works(
    accessTarget,
    '',
    'Where the access log goes: stdout, the absolute path of a file, syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT or syslog+unix:///PATH; empty: nowhere.',
    'A file is opened anew on SIGHUP. fabio knows stdout only.',
  ),
  'log.access.format': works(
    accessFormat,
    'common',
    'Format of the access log: common, combined, a text with $fields, json, or json with $fields of its own.',
    'Example: json $time_rfc3339_ms $request_method $request_uri $response_status $header.User-Agent',
  ),
  'log.access.scope': works(
    choice(['forwarded', 'all']),
    'forwarded',
    'Which requests are in the access log: those that an instance answered or failed, as in fabio, or all: also those without a route, refused, redirected or cut off, and websockets.',
  ),
  'log.access.buffer': works(
    int({ min: 65_536, max: 1_073_741_824 }),
    '4194304',
    'Largest part of the access log in bytes that waits in the memory of each process; what comes while it is full is dropped and counted.',
  ),

  'metrics.target': works(
    metricsTargets,
    '',
    'Where metrics are sent, comma separated: statsd_raw and dogstatsd over UDP, graphite over TCP, circonus over HTTP, stdout (or flat) and label to the standard output. prometheus comes for them: /metrics of ui.addr has them in any case.',
  ),
  'metrics.prefix': works(
    metricsPrefix,
    'gatehouse',
    'Prefix of metric names. May be a template with {{clean .Hostname}} and {{clean .Exec}}.',
    "fabio's default is {{clean .Hostname}}.{{clean .Exec}}, which gives each machine other names; default means the same.",
  ),
  'metrics.separator': works(
    line,
    '',
    'What stands between metrics.prefix and a name for StatsD and Graphite, like a dot.',
    'fabio has nothing there, and names like fabiorequests.',
  ),
  'metrics.names': works(
    routeMetricName,
    '{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}',
    'Name of the metric of a route for StatsD and Graphite, a template with .Service, .Host, .Path, .TargetURL.Host and clean.',
    'It has no effect in fabio since 1.6.',
  ),
  'metrics.interval': works(duration('100ms'), '30s', 'How often metrics are sent.'),
  'metrics.timeout': accepted(duration(), '10s', 'It has no effect in fabio either.'),
  'metrics.retry': accepted(duration(), '500ms', 'It has no effect in fabio either.'),
  'metrics.graphite.addr': works(hostAndPort, '', 'host:port of Graphite.'),
  'metrics.statsd.addr': works(hostAndPort, '', 'host:port of StatsD.'),
  'metrics.dogstatsd.addr': works(hostAndPort, '', 'host:port of DogStatsD.'),
  'metrics.prometheus.subsystem': works(
    line,
    '',
    'Second part of Prometheus metric names, behind the prefix; empty: none.',
  ),
  'metrics.prometheus.path': works(
    absolutePath,
    '/metrics',
    'Path of the metrics on a listener with proto=prometheus. The port of ui.addr has them at /metrics.',
  ),
  'metrics.prometheus.buckets': works(
    floats,
    '.005,.01,.025,.05,.1,.25,.5,1,2.5,5,10',
    'Upper bounds of the histogram buckets in seconds.',
  ),
  'metrics.circonus.apikey': accepted(line, '', 'API key of Circonus.'),
  'metrics.circonus.apiapp': accepted(line, 'fabio', 'Application name at Circonus.'),
  'metrics.circonus.apiurl': accepted(line, '', 'API address of Circonus.'),
  'metrics.circonus.brokerid': accepted(line, '', 'Broker at Circonus.'),
  'metrics.circonus.checkid': accepted(line, '', 'Check at Circonus.'),
  'metrics.circonus.submissionurl': works(
    httpUrl,
    '',
    'Data submission URL of an HTTPTrap check at Circonus, for metrics.target = circonus.',
    'fabio can make such a check itself, with metrics.circonus.apikey.',
  ),

  'tracing.endpoint': works(
    httpUrl,
    '',
    'URL to which spans are sent, as OTLP over HTTP in JSON: that of an OpenTelemetry collector; empty: nothing is traced, and what clients say of traces is passed on as it is.',
    'Example: http://localhost:4318/v1/traces',
    'fabio had Zipkin up to 1.6 and has no tracing since.',
  ),
  'tracing.ratio': works(
    ratio,
    '0.01',
    'Part of the requests that is recorded where their client has not decided about it, 0 to 1.',
  ),
  'tracing.propagation': works(
    listOf(choice(['w3c', 'b3', 'b3multi'])),
    'w3c',
    'How instances are told of the trace: w3c is traceparent, b3 the field b3, b3multi the fields X-B3-…. What a client uses is used for its requests as well.',
  ),
  'tracing.servicename': works(line, 'gatehouse', 'Name of the gateway in traces.'),
  'tracing.headers': works(
    fieldValues,
    '',
    'Header fields that are sent to the collector with the spans, like Authorization: "Bearer …".',
  ),
  'tracing.queue': works(
    int({ min: 128, max: 1_000_000 }),
    '2048',
    'Largest number of spans that wait to be sent, in each process; what comes beyond it is dropped and counted.',
  ),

  'registry.backend': works(
    choice(['consul', 'static', 'file', 'custom']),
    'consul',
    'Where routes come from: Consul, this configuration, a file or an HTTP endpoint of your own.',
  ),
  'registry.timeout': works(duration(), '10s', 'Time allowed at the start to reach the registry.'),
  'registry.retry': works(
    duration('1ms'),
    '500ms',
    'Pause between two attempts at the start to reach the registry.',
  ),
  'registry.static.routes': works(
    text,
    '',
    'Route commands of the static registry, "\\n" between them: a backslash at the line end joins lines without one.',
  ),
  'registry.static.noroutehtml': works(text, '', 'HTML of the answer when no route matches.'),
  'registry.file.path': works(
    line,
    '',
    'File with the route commands of the file registry, read again whenever it changes.',
    'fabio reads it once.',
  ),
  'registry.file.noroutehtmlpath': works(
    line,
    '',
    'File with the HTML of the answer when no route matches, read again whenever it changes; empty: none.',
    'fabio does not start without it.',
  ),
  'registry.custom.host': works(line, '', 'host[:port] of the custom registry.'),
  'registry.custom.scheme': works(choice(['https', 'http']), 'https', 'How the custom registry is reached.'),
  'registry.custom.path': works(line, '', 'Path at the custom registry without its first "/".'),
  'registry.custom.queryparams': works(line, '', 'Query at the custom registry: a=b&c=d'),
  'registry.custom.timeout': works(
    timeout,
    '5s',
    'Time allowed for a whole answer of the custom registry; 0: no limit.',
  ),
  'registry.custom.pollinterval': works(
    duration('1ms'),
    '10s',
    'Pause between two questions to the custom registry, from the end of one to the next.',
  ),
  'registry.custom.checkTLSSkipVerify': works(
    bool,
    'false',
    'Whether the certificate of the custom registry goes unchecked.',
  ),
  'registry.custom.noroutehtml': works(
    text,
    '',
    'HTML of the answer when no route matches: the HTML itself, not a path.',
  ),

  'registry.consul.addr': works(
    consulAddr,
    'localhost:8500',
    'Address of the Consul agent: host:port, with http:// or https:// before it where it needs one. Without a port: 8500.',
  ),
  'registry.consul.token': orElse('CONSUL_HTTP_TOKEN', works(line, '', 'ACL token that is sent to Consul.')),
  'registry.consul.tokenfile': orElse(
    'CONSUL_HTTP_TOKEN_FILE',
    works(
      line,
      '',
      'File with that token, read once, at the start. It counts where registry.consul.token is not set.',
      'fabio has only the variable.',
    ),
  ),
  'registry.consul.namespace': orElse(
    'CONSUL_NAMESPACE',
    works(line, '', 'Namespace in Consul Enterprise; empty: the default one.'),
  ),
  'registry.consul.partition': orElse(
    'CONSUL_PARTITION',
    works(
      line,
      '',
      'Admin partition in Consul Enterprise; empty: the default one.',
      'fabio has only the variable.',
    ),
  ),
  'registry.consul.tagprefix': works(line, 'urlprefix-', 'What a service tag begins with to be a route.'),
  'registry.consul.kinds': works(
    list,
    '',
    'Kinds of service that are routed beside ordinary ones, comma separated, like ingress-gateway.',
    'Sidecars of Consul Connect carry the tags of what they stand for; fabio routes to them.',
  ),
  'registry.consul.maxwatches': works(
    int({ min: 1 }),
    '64',
    'Number of services up to which each has a blocking query of its own. Above it a few queries serve all of them.',
    'Each takes a connection, and an agent allows 200 for all clients of an address.',
  ),
  'registry.consul.service.status': works(
    listOf(choice(['passing', 'warning', 'critical', 'unknown'])),
    'passing',
    'Check states that count as healthy, comma separated.',
  ),
  'registry.consul.checksRequired': works(
    choice(['one', 'all']),
    'one',
    'How many checks of an instance have to be healthy.',
    'fabio reads any other word as one; here it is a mistake.',
  ),
  'registry.consul.requireConsistent': works(
    bool,
    'false',
    'Whether each answer of Consul has to be confirmed by its leader and a majority of its servers.',
    "fabio's default is true. Stale reads keep working while Consul has no leader, and a blocking query sees changes as soon.",
    'Where only one of this and registry.consul.allowStale is set, it wins.',
  ),
  'registry.consul.allowStale': works(
    bool,
    'true',
    'Whether any Consul server may answer, also one that is behind its leader.',
    "fabio's default is false. With this and registry.consul.requireConsistent false, Consul's default mode is used.",
  ),
  'registry.consul.tls.keyfile': orElse(
    'CONSUL_CLIENT_KEY',
    works(
      line,
      '',
      'File with the key of the client certificate, PEM. The TLS options count for an https:// address only.',
    ),
  ),
  'registry.consul.tls.certfile': orElse(
    'CONSUL_CLIENT_CERT',
    works(line, '', 'File with the client certificate, PEM.'),
  ),
  'registry.consul.tls.cafile': orElse(
    'CONSUL_CACERT',
    works(line, '', 'File with the CA certificates that Consul is checked against, PEM.'),
  ),
  'registry.consul.tls.capath': orElse('CONSUL_CAPATH', works(line, '', 'Directory of such files.')),
  'registry.consul.tls.servername': orElse(
    'CONSUL_TLS_SERVER_NAME',
    works(
      line,
      '',
      "Name that Consul's certificate has to be for; empty: the host of registry.consul.addr.",
      'fabio has only the variable.',
    ),
  ),
  'registry.consul.tls.insecureskipverify': works(
    bool,
    'false',
    "Whether Consul's certificate goes unchecked.",
  ),
  'registry.consul.kvpath': works(
    kvPath,
    '/fabio/config',
    'KV path of the manual overrides: this key and all keys below it, in their order.',
  ),
  'registry.consul.noroutehtmlpath': works(
    kvPath,
    '/fabio/noroute.html',
    'KV path of the HTML of the answer when no route matches.',
  ),
  'registry.consul.serviceMonitors': accepted(
    int(),
    '1',
    'Number of catalog queries that fabio makes at a time. Here each routed service has a query of its own.',
  ),
  'registry.consul.pollinterval': accepted(
    duration(),
    '0s',
    'Pause between two questions to Consul; 0: blocking queries, which is what Gatehouse always uses.',
  ),

  'registry.consul.register.enabled': works(
    bool,
    'true',
    'Whether the gateway registers itself in Consul, under its name and under those of register= in routes.',
  ),
  'registry.consul.register.addr': works(
    registeredAddress,
    '',
    'host:port that is registered and checked; empty: those of ui.addr.',
    'Without a host, or with 0.0.0.0 or ::, it is the first address of this machine that others can reach. A host name is registered as it is; fabio puts that address in its place.',
    'May be a template like {{ GetPrivateIP }}:9998.',
  ),
  'registry.consul.register.name': works(
    line,
    'fabio',
    'Service name that is registered. Its ID is the name, the name of this machine and the port, with "-" between.',
  ),
  'registry.consul.register.tags': works(list, '', 'Tags that are registered.'),
  'registry.consul.register.checkInterval': works(
    duration('1ms'),
    '1s',
    'How often Consul checks /health of the registered address.',
  ),
  'registry.consul.register.checkTimeout': works(
    duration(),
    '3s',
    "Time-out of that check; 0: Consul's own, which is 10s.",
  ),
  'registry.consul.register.checkTLSSkipVerify': works(
    bool,
    'false',
    'Whether that check leaves the certificate unchecked.',
  ),
  'registry.consul.register.checkDeregisterCriticalServiceAfter': works(
    deregisterAfter,
    '',
    'Time without a sign of life after which Consul takes the registration away; empty: 1m, the shortest that it knows.',
    'It has no effect in fabio, where the time is always 1m.',
  ),

  'ui.addr': works(
    uiListener,
    ':9998',
    'Address of the UI and the API: exactly one, written as in proxy.addr.',
  ),
  'ui.access': works(
    choice(['rw', 'ro']),
    'rw',
    'Whether the API takes changes: rw is read and write, ro is read only.',
  ),
  'ui.auth': works(
    uiAuth,
    '',
    'Who may use the UI and the API: the name of a scheme of proxy.auth, of the type basic or forward; empty: whoever reaches the port.',
    'read=NAME;write=NAME are two: who may write the overrides may also read. With write alone, reading is open to all; with read alone, who may read may write.',
    '/health is never closed. fabio has no such option.',
    'Example: read=staff;write=ops',
  ),
  'ui.color': works(line, 'light-green', 'Colour of the UI, by its Materialize name.'),
  'ui.title': works(line, '', 'Title shown in the UI.'),
  'ui.path': works(
    basePath,
    '',
    'Path below which UI and API are served, with its first "/"; /health stays where it is. Example: /fabio',
  ),
  'ui.routingtable.source.linkenabled': accepted(bool, 'false', 'Whether the source of a route is a link.'),
  'ui.routingtable.source.newtab': accepted(bool, 'true', 'Whether such a link opens a new tab.'),
  'ui.routingtable.source.scheme': accepted(line, 'http', 'Scheme of such links.'),
  'ui.routingtable.source.host': accepted(line, '', 'Host of such links.'),
  'ui.routingtable.source.port': accepted(line, '', 'Port of such links.'),

  'glob.matching.disabled': works(
    bool,
    'false',
    'Whether hosts of routes are taken literally: * and other wildcards are then no wildcards.',
  ),
  'glob.cache.size': accepted(
    int(),
    '1000',
    'Number of compiled globs that are kept. Here they are kept with their route.',
  ),

  'runtime.gogc': accepted(int(), '100', "Setting of Go's garbage collector. There is no Go here."),
  'runtime.gomaxprocs': accepted(int(), '-1', 'Number of CPUs that are used; -1: all.'),
  'profile.mode': accepted(
    choice(['', 'cpu', 'mem', 'mutex', 'block', 'trace']),
    '',
    'What is profiled until the gateway stops.',
  ),
  'profile.path': accepted(line, '', 'Directory of the profile; empty: the one for temporary files.'),
  insecure: accepted(bool, 'false', 'Changes the words of the warning about running as root.'),
  'aws.apigw.cert.cn': accepted(line, '', 'Deprecated, it has no effect in fabio either.'),

  'bgp.enabled': accepted(bool, 'false', 'Whether addresses are announced over BGP.'),
  'bgp.asn': accepted(uint, '65000', 'Own AS number.'),
  'bgp.routerid': accepted(line, '', 'Own router id.'),
  'bgp.anycastaddresses': accepted(list, '', 'Networks that are announced.'),
  'bgp.listenport': accepted(int(), '179', 'Port of the BGP speaker; -1: none.'),
  'bgp.listenaddresses': accepted(list, '0.0.0.0', 'Addresses of the BGP speaker.'),
  'bgp.nexthop': accepted(line, '', 'Next hop of the announced networks; empty: the router id.'),
  'bgp.peers': accepted(pairs, '', 'Peers of the BGP speaker.'),
  'bgp.enablegrpc': accepted(bool, 'false', 'Whether the BGP speaker can be controlled over gRPC.'),
  'bgp.grpclistenaddress': accepted(line, '127.0.0.1:50051', 'Address of that gRPC service.'),
  'bgp.gobgpdcfgfile': accepted(line, '', 'Configuration of the BGP speaker, TOML.'),
} as const satisfies Readonly<Record<string, OptionRow<unknown>>>

export type OptionKey = keyof typeof options

/** One value for each option, frozen. Durations are in ms. */
export type Config = {
  readonly [K in OptionKey]: ReturnType<(typeof options)[K]['kind']['parse']>
}

/** Other spellings that fabio or its documentation has (reference 10.2, quirk 54). */
export const otherNames: Readonly<Record<string, OptionKey>> = {
  'proxy.log.routes': 'log.routes.format',
  'registry.consul.pollInterval': 'registry.consul.pollinterval',
}

export const optionKeys = Object.keys(options) as readonly OptionKey[]

/** The row of a key, its value type forgotten. */
export function rowOf(key: OptionKey): OptionRow<unknown> {
  return options[key]
}

/** The option that a name means, null for a name that is none. Case counts, as in fabio. */
export function optionNamed(name: string): OptionKey | null {
  if (Object.hasOwn(options, name)) return name as OptionKey
  return Object.hasOwn(otherNames, name) ? otherNames[name]! : null
}

/** Every name of an option. Another name comes first: fabio lets the deprecated one win. */
export function namesOf(key: OptionKey): readonly string[] {
  return [...Object.keys(otherNames).filter((name) => otherNames[name] === key), key]
}

/** `proxy.addr` is `FABIO_PROXY_ADDR`. */
export function envName(key: string): string {
  return `FABIO_${key.replaceAll('.', '_').toUpperCase()}`
}

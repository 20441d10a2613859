import { defaultFile } from './file.ts'
import { envName, namesOf, type OptionKey, optionKeys, rowOf, type Support } from './options.ts'
import { printProperty } from './properties.ts'

/** Blocks of the reference, in its order. An option belongs to the longest prefix that it begins with. */
const groups: readonly (readonly [prefix: string, title: string])[] = [
  ['proxy.', 'Proxy'],
  ['registry.', 'Registry'],
  ['registry.consul.', 'Consul'],
  ['registry.consul.register.', 'Self-registration in Consul'],
  ['ui.', 'UI and API'],
  ['log.', 'Log'],
  ['metrics.', 'Metrics'],
  ['tracing.', 'Tracing'],
  ['bgp.', 'BGP'],
  ['', 'Everything else'],
]

function groupOf(key: OptionKey): string {
  const matching = groups.filter(([prefix]) => key.startsWith(prefix))
  return matching.reduce((a, b) => (b[0].length > a[0].length ? b : a))[0]
}

/** The groups that have an option with such support, with those options. */
function grouped(support: readonly Support[]): { title: string; keys: readonly OptionKey[] }[] {
  return groups
    .map(([prefix, title]) => ({
      title,
      keys: optionKeys.filter((key) => groupOf(key) === prefix && support.includes(rowOf(key).support)),
    }))
    .filter(({ keys }) => keys.length > 0)
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

const comment = (text: string): string => (text === '' ? '#' : `# ${text}`)

function exampleOf(key: OptionKey): string[] {
  const { doc, kind, default: text } = rowOf(key)
  const about = [
    ...doc.flatMap((sentence) => wrap(sentence, 96)),
    `(${kind.type})`,
    '',
    printProperty(key, text),
  ]
  return [...about.map(comment), '']
}

/** The text of `fabio.properties.example`. */
export function renderExample(): string {
  const head = [
    ...wrap(
      `Every option of Gatehouse that works, with its default. The file is read from ${defaultFile} where that exists, or from the file or URL of -cfg. This file is generated: docs/reference.md says how.`,
      96,
    ),
    '',
    ...wrap(
      `Write key = value, key: value or key value. Lines that begin with # or ! are comments, a backslash at the line end continues the line, a backslash elsewhere has to be doubled. \${name} is the value of another property, else of the environment variable.`,
      96,
    ),
  ]
  const blocks = grouped(['works']).flatMap(({ title, keys }) => [
    `# ---- ${title} ${'-'.repeat(90 - title.length)}`,
    '',
    ...keys.flatMap(exampleOf),
  ])
  const others = optionKeys.filter((key) => rowOf(key).support === 'accepted')
  const tail = [
    ...wrap(
      'Known from fabio, accepted so that its files can be used as they are, and without effect in this version. Setting one gives a warning:',
      96,
    ),
    ...wrap(others.join(', '), 94).map((each) => `  ${each}`),
  ]
  return [...head.map(comment), '', ...blocks, ...tail.map(comment), ''].join('\n')
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
const cell = (text: string): string => text.replaceAll('|', '\\|')

/** Without padding: a longer cell would change every line of the table. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`)
  return [head!, `| ${rows[0]!.map(() => '---').join(' | ')} |`, ...body]
}

function tableRow(key: OptionKey): string[] {
  const { kind, default: text, support, standIn, doc } = rowOf(key)
  const environment =
    standIn === undefined ? code(envName(key)) : `${code(envName(key))}, else ${code(standIn)}`
  const others = namesOf(key).filter((name) => name !== key)
  const meaning = [...doc.map(cell), ...others.map((name) => `Also read as ${code(name)}.`)].join(' ')
  return [code(key), cell(kind.type), text === '' ? '' : code(text), support, meaning, environment]
}

const howWritten = [
  ['type', 'written as'],
  ['text', 'as it is'],
  ['int, uint', '`42`, `0x2a`, `1_000`'],
  ['bool', '`true` or `false`, also `1 t T TRUE True` and `0 f F FALSE False`'],
  ['duration', 'numbers with `ns`, `us`, `ms`, `s`, `m` or `h`: `500ms`, `1m30s`, `1.5h`; `0` needs no unit'],
  ['list', 'items separated by commas'],
  [
    'key=value list',
    '`;` between pairs, `,` between groups of pairs; a value with one of these in `"..."` or `\'...\'`',
  ],
  ['listener, listeners', '`[host]:port` and options after `;`: `127.0.0.1:9999;rt=30s`'],
  ['address', '`host:port`, IPv6 in brackets: `[::1]:8500`'],
  ['path', '`/fabio`, with its first `/`'],
  ['header name', '`X-Client-IP`'],
  ['list of limits', '`100/m 10/s,burst=50`'],
  ['list of origins', '`https://example.com, https://*.example.com`, or `*`'],
  [
    'list of header fields',
    '`X-A: one, X-B: "one, two"`; in quotes a `"` is written `\\"`, a `\\` is written `\\\\`',
  ],
]

const intro = `# Options

Every option of Gatehouse. \`works\`: it does what it says. \`accepted\`: fabio has it and this version of Gatehouse has not, so setting it to something other than its default gives a warning and has no effect.

This page and \`fabio.properties.example\` are generated from the option table in \`src/config/options.ts\`. After a change there:

    UPDATE_GENERATED=1 npx vitest run test/config/generated.test.ts

## Where a value comes from

The first of these that has the option counts, even where it is empty there:

1. **Command line**: \`-key value\` or \`-key=value\`, also with two dashes. A bool is \`-key\` or \`-key=false\`. \`-cfg FILE\` names the properties file, \`-v\` prints the version, \`-h\` the options.
2. **Environment**: \`FABIO_\` and the key in upper case with \`_\` for \`.\`, in any case of letters. The name without \`FABIO_\` counts as well, as in fabio, and gives a warning. Where an option of Consul is not set at all, the variable of Consul's own tools counts that the tables name.
3. **Properties file**: the file or \`http(s)\` URL of \`-cfg\`, else \`${defaultFile}\` where it exists. It is read once, at the start.
4. **Default**.

Everything that is wrong is told at once, with its place, and Gatehouse does not start: unlike fabio, which reads a number or duration that it does not understand as 0. An unknown key in the file gives a warning, an unknown flag is a mistake.

## How values are written

${table(howWritten).join('\n')}

In a properties file a backslash is doubled, blanks at the end of a value do not count, and \`\${name}\` is replaced by the value of that property, else by that environment variable.
`

/** The text of `docs/reference.md`. */
export function renderReference(): string {
  const tables = grouped(['works', 'accepted']).flatMap(({ title, keys }) => [
    '',
    `## ${title}`,
    '',
    ...table([['key', 'type', 'default', 'support', 'meaning', 'environment'], ...keys.map(tableRow)]),
  ])
  return [intro.trimEnd(), ...tables, ''].join('\n')
}

const commands = [
  'Usage: gatehouse [command] [-cfg FILE] [-KEY VALUE]...',
  '',
  'Commands:',
  '  run               the gateway, also without a command',
  '  dev               the gateway with two sample services, and a registry where no Consul answers',
  '  check             whether the configuration is right, and each value with its source',
  '  routes            the route table of the running gateway, else what it would be',
  '  explain URL       what would become of a request, step by step; --method M, --header "Name: value"',
  '  doctor [SERVICE]  why a service is not routed',
  '  health            exit code 0 where the gateway of this configuration serves',
  '  version           the version',
  '',
  'check, routes, explain and doctor take --json. The last three find the gateway by the configuration or --admin URL;',
  'where none runs, or with --direct, they ask the registry of the configuration itself.',
  'They end with 0 where all is well, 1 where something is wrong, 2 where the command line is.',
]

/** What `-h` prints: the commands, then every flag with its type, its meaning and its default. */
export function usage(): string {
  const flag = (name: string, type: string, doc: readonly string[]): string[] => [
    `  -${name}${type === 'bool' ? '' : ` <${type}>`}`,
    ...doc.flatMap((sentence) => wrap(sentence, 96)).map((each) => `        ${each}`),
  ]
  const own = [
    ...flag('cfg', 'file or URL', [`Properties file, read once. Default: ${defaultFile} where it exists.`]),
    ...flag('v, -version', 'bool', ['Prints the version.']),
    ...flag('h, -help', 'bool', ['Prints this.']),
  ]
  const all = optionKeys.flatMap((key) => {
    const { kind, default: text, support, doc } = rowOf(key)
    const last = support === 'works' ? [] : ['Accepted for fabio, no effect in this version.']
    return flag(key, kind.type, [...doc, ...last, ...(text === '' ? [] : [`Default: ${text}`])])
  })
  return [...commands, '', 'Options:', ...own, ...all, ''].join('\n')
}

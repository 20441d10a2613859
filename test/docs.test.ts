import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../src/base/errors.ts'
import { loadConfig } from '../src/config/load.ts'
import { envName, namesOf, optionKeys, rowOf } from '../src/config/options.ts'
import { parseCommands } from '../src/route/command.ts'
import { definitionsOf } from '../src/route/tag.ts'
import { interfaces } from './config/context.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every page that people read, by its path from the root. */
const pages = new Map<string, string>()
const names = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'))
for (const path of [
  'README.md',
  'src/README.md',
  'bench/README.md',
  ...names.map((name) => `docs/${name}`),
]) {
  pages.set(path, await readFile(join(root, path), 'utf8'))
}
const pageOf = (name: string): string => pages.get(name)!

interface Block {
  /** What stands behind the fence: `properties`, `hcl policy`. */
  readonly kind: string
  readonly text: string
}

const fence = /^```([^\n]*)\n(.*?)^```/gms

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(fence)].map(([, kind = '', text = '']) => ({ kind, text }))

const linesOf = (page: string, kind: string): string[] =>
  blocksOf(page)
    .filter((block) => block.kind === kind)
    .flatMap(({ text }) => text.trim().split('\n'))
    .filter((line) => line !== '')

const withoutBlocks = (page: string): string => page.replace(fence, '')

/** What stands in backticks, where the page is not a block. */
const spansOf = (page: string): string[] =>
  [...withoutBlocks(page).matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutBlocks(page).matchAll(/^#+ (.*)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`
    anchors.add(unique)
  }
  return anchors
}

interface Link {
  readonly path: string
  readonly anchor: string
}

/** Links to files of this repository. */
const linksOf = (page: string): Link[] =>
  [...withoutBlocks(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ path: target.split('#')[0]!, anchor: target.split('#')[1] ?? '' }))

const load = (properties: string) =>
  loadConfig({
    argv: ['-cfg', 'page'],
    env: {},
    readFile: async () => properties,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces,
    hostname: 'gate-1',
  })

/** Tags that a page has in order to say what is wrong with them, or what is not served. */
const wrongOnPurpose = (page: string): Set<string> =>
  new Set([
    ...linesOf(page, 'closed'),
    // Shown with its reason, in the API or by the doctor.
    ...[...page.matchAll(/(?:"text": |tag )"(urlprefix-[^"]+)"/g)].map((match) => match[1]!),
    ...[...page.matchAll(/^\| .*? \| .*? \| `(urlprefix-[^`]+)` \|(?: what else matches \|)?$/gm)]
      .filter(([row]) => row.endsWith('what else matches |') || /left out|without it|closed/.test(row))
      .map((match) => match[1]!),
  ])

const readTag = (tag: string) =>
  definitionsOf(
    { service: 's', instance: 'n/s', address: '10.0.0.1', port: 80, healthy: true, tags: [tag] },
    { prefix: 'urlprefix-', variables: { DC: 'dc1' } },
  )

const commandNames = [
  ...(await readFile(join(root, 'src/main.ts'), 'utf8')).matchAll(
    /^ {2}(\w+): async \(\) => \(await import/gm,
  ),
].map((match) => match[1]!)

/** Lines and spans that run the program: `gatehouse check -cfg F`. */
const callsOf = (page: string): string[] =>
  [
    ...blocksOf(page).flatMap(({ text }) => text.split('\n')),
    ...withoutBlocks(page)
      .split('\n')
      .filter((line) => line.startsWith('    '))
      .map((line) => line.trim()),
    ...spansOf(page),
  ]
    .map((line) => line.replace(/^\$ /, ''))
    .filter((line) => /^(?:gatehouse|node dist\/main\.js) [a-z]/.test(line))

/** Keys of options end where no key could go on. */
const keyLike =
  /(?<![\w./-])(?:proxy|registry|ui|log|metrics|tracing|glob|runtime|profile|bgp)\.[a-zA-Z][\w.]*\w/g
/** Names of files, and of templates, that look like keys. */
const isNoKey = (word: string): boolean => /\.(?:ts|md|json|yml|log|js)$/.test(word)

const spellings = new Set(optionKeys.flatMap((key) => namesOf(key)).map((name) => name.toLowerCase()))
const families = new Set(
  optionKeys.flatMap((key) =>
    key.split('.').map((_part, at, all) => all.slice(0, at).join('.').toLowerCase()),
  ),
)

const isKey = (word: string): boolean =>
  spellings.has(word.toLowerCase()) || families.has(word.toLowerCase().replace(/\.\*$/, ''))

const metricNames = new Set(
  [...pageOf('docs/metrics.md').matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)].flatMap(
    ([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  ),
)

/** `area code` of the lines of the log. */
const logCodes = new Set(
  [...pageOf('docs/logs.md').matchAll(/^\| `([\w-]+)` \| `([\w-]+)` \| (?:debug|info|warn|error)/gm)].map(
    ([, area, code]) => `${area} ${code}`,
  ),
)

test('these tests find what they look for', () => {
  expect(pages.size).toBeGreaterThan(30)
  expect(commandNames).toEqual(['run', 'dev', 'check', 'routes', 'explain', 'doctor', 'health'])
  expect(metricNames.size).toBeGreaterThan(50)
  expect(logCodes.size).toBeGreaterThan(60)
  expect(callsOf(pageOf('docs/commands.md')).length).toBeGreaterThan(5)
  expect([...pageOf('docs/limits.md').matchAll(keyLike)].length).toBeGreaterThan(20)
})

test('README leads to every page', () => {
  const linked = new Set(linksOf(pageOf('README.md')).map(({ path }) => path))
  expect([...pages.keys()].filter((path) => path !== 'README.md' && !linked.has(path))).toEqual([])
})

describe.each([...pages])('%s', (path, page) => {
  test('has links that lead somewhere, also within pages', async () => {
    for (const { path: target, anchor } of linksOf(page)) {
      const file = target === '' ? join(root, path) : join(root, dirname(path), target)
      expect(existsSync(file), target).toBe(true)
      if (anchor === '') continue
      expect((await stat(file)).isFile(), target).toBe(true)
      const text = pages.get(relative(root, file)) ?? (await readFile(file, 'utf8'))
      expect([...anchorsOf(text)], `${target}#${anchor}`).toContain(anchor)
    }
  })

  test('has properties that are options, and that work', async () => {
    for (const { kind, text } of blocksOf(page)) {
      if (kind !== 'properties') continue
      const { warnings, sources } = await load(text)
      expect(warnings.filter((warning) => !warning.includes('again'))).toEqual([])
      expect(Object.values(sources).some((source) => source.startsWith('file page:'))).toBe(true)
    }
  })

  test('has tags that are routes, unless it says that they are none', () => {
    const wrong = wrongOnPurpose(page)
    const tags = [
      ...linesOf(page, 'tags'),
      ...spansOf(page).filter((span) => /^urlprefix-./.test(span) && !span.includes('…')),
    ]
    for (const tag of tags) {
      const { definitions, problems } = readTag(tag)
      if (wrong.has(tag)) expect(problems, tag).not.toEqual([])
      else expect([tag, problems, definitions.length]).toEqual([tag, [], 1])
    }
  })

  test('has commands of routes that are commands', () => {
    const lines = linesOf(page, 'commands').filter((line) => line.startsWith('route '))
    const { commands, mistakes } = parseCommands(lines.join('\n'))
    expect(commands).toHaveLength(lines.length)
    for (const { reason } of mistakes) expect(reason).toContain('not served by this version')
  })

  test('calls the program by commands and flags that it has', () => {
    for (const call of callsOf(page)) {
      const [name = '', ...words] = call.replace(/^(?:gatehouse|node dist\/main\.js) /, '').split(/\s+/)
      expect([...commandNames, 'version', 'help'], call).toContain(name.replace(/\W+$/, ''))
      for (const word of words) {
        const flag = /^-([a-z]\w*\.[\w.]+)/.exec(word)?.[1]
        // Mistyped to show what becomes of it.
        if (flag !== undefined && !page.includes(`flag -${flag}: unknown option`))
          expect(isKey(flag), call).toBe(true)
      }
    }
  })

  test('names options that there are, also by their variables', () => {
    const keys = [...page.matchAll(keyLike)].map(([word]) => word).filter((word) => !isNoKey(word))
    const shownAsWrong = (key: string): boolean => page.includes(`${key}: unknown option`)
    expect(keys.filter((key) => !isKey(key) && !shownAsWrong(key))).toEqual([])
    const variables = [...page.matchAll(/\bFABIO_[A-Z_]+[A-Z]\b/g)].map(([word]) => word)
    const known = optionKeys.map(envName)
    expect(variables.filter((name) => !known.includes(name))).toEqual([])
  })

  test('names errors, metrics and codes of the log that there are', () => {
    const errors = [...page.matchAll(/\bGW_[A-Z_]+[A-Z]\b/g)].map(([code]) => code)
    expect(errors.filter((code) => !Object.hasOwn(catalogue, code))).toEqual([])
    const metrics = [...page.matchAll(/\bgatehouse_([a-z_]+[a-z])\b/g)].map(([, name = '']) => name)
    // A histogram may be spoken of as a whole.
    const isMetric = (name: string): boolean => metricNames.has(name) || metricNames.has(`${name}_count`)
    expect(metrics.filter((name) => !isMetric(name))).toEqual([])
    const lines = [...page.matchAll(/\[(?:DEBUG|INFO|WARN|ERROR)\] ([\w-]+): [^\n]*\(([\w-]+)\)$/gm)]
    const codes = lines.map(([, area, code]) => `${area} ${code}`)
    expect(codes.filter((code) => !logCodes.has(code))).toEqual([])
  })

  test('names nothing of the machine that it was written on', () => {
    expect(page).not.toMatch(/\/work\/|\/tmp\/h\//)
  })
})

/** The rows of the first table below a heading, without backticks. */
function rowsBelow(page: string, heading: string): string[][] {
  const table = page
    .slice(page.indexOf(`\n${heading}\n`))
    .split('\n\n')
    .find((part) => part.startsWith('| '))!
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

const optionSource = await readFile(join(root, 'src/route/options.ts'), 'utf8')

test('docs/routes.md has a row for every option of a route', () => {
  const [options = ''] = /^const decorations.*?^\/\*\*\n \* Reads options/ms.exec(optionSource)!
  const inCode = [...options.matchAll(/^ {2}'?([\w.]+)'?: (?:\(value|edit\()/gm)].map((match) => match[1]!)
  expect(inCode.length).toBeGreaterThan(35)
  const page = pageOf('docs/routes.md')
  const table = page.slice(page.indexOf('\n## Options\n'), page.indexOf('\n## Which route'))
  for (const option of [...inCode, 'weight', 'redirect']) {
    const family = option.replace(/\.(?:add|remove)$/, '')
    const isShown = [`\`${option}\``, `\`${family}.set\``, `${option}=`].some((text) => table.includes(text))
    expect(isShown, option).toBe(true)
  }
})

describe('docs/from-fabio.md', () => {
  const page = pageOf('docs/from-fabio.md')

  test('lists every option that has no effect, and no other', () => {
    const listed = rowsBelow(page, '### Accepted, without effect').flatMap(([keys]) => keys!.split(', '))
    expect(listed.toSorted()).toEqual(
      optionKeys.filter((key) => rowOf(key).support === 'accepted').toSorted(),
    )
  })

  test('names every option that has another default than in fabio, or a limit that fabio has not', () => {
    const differs = /fabio's default is|fabio has no limit|fabio's limit is/
    const keys = optionKeys.filter((key) => rowOf(key).doc.some((sentence) => differs.test(sentence)))
    expect(keys.length).toBeGreaterThan(10)
    const isOff = (key: (typeof keys)[number]): boolean => ['', '0', '0s'].includes(rowOf(key).default)
    const named = (key: string): boolean => page.includes(`\`${key}`) || page.includes(`\n${key} = `)
    expect(keys.filter((key) => !named(key) && !isOff(key))).toEqual([])
  })

  test('has properties for fabio’s way that are not the default', async () => {
    const text = linesOf(page, 'properties').join('\n')
    const [{ config }, { config: before }] = await Promise.all([load(text), load('')])
    const keys = text.split('\n').map((line) => line.split(' = ')[0]!)
    for (const key of keys as (keyof typeof config)[]) expect(config[key], key).not.toEqual(before[key])
  })
})

// What is said of costs is what the benchmark's page says: a figure from another day would be believed as well.
test('docs/tuning.md has the figures of bench/README.md', () => {
  const bench = pageOf('bench/README.md')
  const page = pageOf('docs/tuning.md')
  const cpuOf = (kind: string): string =>
    new RegExp(`\\| ${kind} \\| gatehouse \\| ([\\d.]+)`).exec(bench)![1]!
  const [kept, fresh] = [Number(cpuOf('small')), Math.round(Number(cpuOf('connect')))]
  expect(page).toContain(`over a new one costs ${fresh} us of processor time, over a kept one ${kept}`)
  const idle = /idle connections \(`--idle`\) \| ([\d.]+ KiB) each/.exec(bench)![1]!
  expect(page).toContain(`| an idle client connection | ${idle} |`)
  const log = /access log to stdout against none .*?, ([\d.]+) \[/.exec(bench)![1]!
  expect(page).toContain(`| access log to stdout | ${log} times`)
  const routes = /against 10 \(`routes`\) \| ([\d.]+) /.exec(bench)![1]!
  expect(page).toContain(`| 10,000 routes in place of 10 | none to ${routes} times |`)
})

describe('docs/troubleshooting.md', () => {
  const page = pageOf('docs/troubleshooting.md')

  test('leads from every error to what to do', () => {
    const table = page.slice(0, page.indexOf('\n## '))
    expect(Object.keys(catalogue).filter((code) => !table.includes(`\`${code}\``))).toEqual([])
  })

  test('says what to do about everything that the doctor finds', async () => {
    const source = await readFile(join(root, 'src/cli/diagnosis.ts'), 'utf8')
    const union = /export type FindingCode =\n(.*?)\n\n/s.exec(source)![1]!
    const codes = [...union.matchAll(/'([\w-]+)'/g)].map((match) => match[1]!)
    const told = rowsBelow(page, '## A service is not routed').flatMap(([names]) => names!.split(', '))
    expect(told.toSorted()).toEqual(codes.filter((code) => code !== 'routed').toSorted())
  })
})

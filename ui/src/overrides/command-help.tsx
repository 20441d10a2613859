import { CommandLine } from '../commands/command-line.tsx'

const commands: readonly (readonly [line: string, says: string])[] = [
  [
    'route add web shop.com/ http://10.0.0.1:8080/ weight 0.2 tags "v2" opts "strip=/x"',
    'a route; weight, tags and opts may be left out, and stand in this order',
  ],
  [
    'route del web',
    'takes all routes of a service away; with a source, or a source and a destination, those',
  ],
  ['route del web tags "v2"', 'those of its routes that have all of the tags; without a service, of any'],
  ['route weight web shop.com/ weight 0.1 tags "v2"', 'what part of the requests those targets get together'],
  ['# a note', 'nothing'],
]

/** The commands, as fabio's editor has them under Help. */
export function CommandHelp() {
  return (
    <details class="command-help">
      <summary>The commands</summary>
      <dl>
        {commands.map(([line, says]) => (
          <div key={line}>
            <dt>
              <code>
                <CommandLine line={line} />
              </code>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

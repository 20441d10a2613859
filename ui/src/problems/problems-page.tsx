import type { ComponentChildren } from 'preact'
import type {
  ProblemsView,
  ProblemView,
  RegistryView,
  TableView,
  UnroutedView,
} from '../../../src/admin/view.ts'
import { Capped } from '../capped.tsx'
import { count } from '../format.ts'
import type { Gateway } from '../gateway.ts'
import { Health } from '../health.tsx'
import { NoTable } from '../no-table.tsx'
import { PageHead } from '../page-head.tsx'
import { linkTo } from '../place.ts'
import { RegistryLine } from '../registry-line.tsx'
import { Shape, type ShapeName } from '../shape.tsx'
import { type Advice, adviceOnInstance, adviceOnText } from './advice.ts'
import { groupsOf, type ServiceGroup } from './problem-groups.ts'
import './problems.css'

/** What is not served, why, and what can be done about it. */
export function ProblemsPage({ gateway }: { gateway: Gateway }) {
  const table = gateway.table.value
  const problems = gateway.problems.value
  const liveness = gateway.liveness.value
  if (table === null || problems === null) return <NoTable title="Problems" liveness={liveness} />
  return (
    <>
      <PageHead title="Problems" liveness={liveness}>
        <RegistryLine registry={table.registry} />
      </PageHead>
      <Groups problems={problems} table={table} />
    </>
  )
}

function Groups({ problems, table }: { problems: ProblemsView; table: TableView }) {
  const { registry, rejected, down, partly } = groupsOf(problems, table)
  if (registry === 'fine' && rejected.length + down.length + partly.length === 0) {
    return (
      <div class="empty">
        <strong class="good">
          <Shape name="good" /> Nothing is wrong
        </strong>
        <p>Every tag and every line is understood, and every instance that asks for a route gets requests.</p>
      </div>
    )
  }
  return (
    <div class="problem-groups">
      {registry !== 'fine' && <RegistryProblem registry={table.registry} />}
      {down.length > 0 && (
        <Group
          id="down"
          look="bad"
          title={`${count(down.length, 'service')} without any instance`}
          says="Nobody serves their routes, unless another service shares them."
        >
          <Capped
            items={down}
            most={50}
            render={(group) => <ServiceProblem key={group.service} group={group} />}
          />
        </Group>
      )}
      {rejected.length > 0 && (
        <Group
          id="rejected"
          look="caution"
          title={`${count(rejected.length, 'tag or line', 'tags or lines')} not served as written`}
          says="Each costs only itself."
        >
          <Capped
            items={rejected}
            most={50}
            render={(problem) => (
              <TextProblem
                registry={table.registry.kind}
                key={[problem.instance, problem.text, problem.reason].join('\n')}
                problem={problem}
              />
            )}
          />
        </Group>
      )}
      {partly.length > 0 && (
        <Group
          id="partly"
          look="caution"
          title={`${count(partly.length, 'service')} with instances that get no requests`}
          says="The others serve them."
        >
          <Capped
            items={partly}
            most={50}
            render={(group) => <ServiceProblem key={group.service} group={group} />}
          />
        </Group>
      )}
    </div>
  )
}

interface GroupProps {
  readonly id: string
  readonly look: ShapeName & ('bad' | 'caution')
  readonly title: string
  readonly says: string
  readonly children: ComponentChildren
}

function Group({ id, look, title, says, children }: GroupProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id} class={look}>
        <Shape name={look} /> {title}
      </h2>
      <p class="says">{says}</p>
      {children}
    </section>
  )
}

function RegistryProblem({ registry }: { registry: RegistryView }) {
  const isLost = !registry.connected
  return (
    <Group
      id="registry"
      look={isLost ? 'bad' : 'caution'}
      title={isLost ? 'The registry is not heard' : 'What the registry says may be old'}
      says="The gateway serves what it knew last, and nothing is lost by that."
    >
      <ul class="plain">
        <li class="problem">
          <RegistryLine registry={registry} />
          <AdviceNote
            advice={
              isLost
                ? {
                    text: 'Changes of services are seen again once it answers; nothing needs to be restarted here. Asked from this machine, this should name a leader.',
                    command: `curl ${registry.address}/v1/status/leader`,
                  }
                : {
                    text: 'Its servers have lost their leader, or it refuses a question: what it says above tells which. Without a leader, this names the servers; once they have elected one, everything is read again.',
                    command: 'consul operator raft list-peers',
                  }
            }
          />
        </li>
      </ul>
    </Group>
  )
}

function ServiceProblem({ group: { service, instances } }: { group: ServiceGroup }) {
  const routes = [...new Set(instances.flatMap(({ tags }) => tags))]
  return (
    <li class="problem">
      <h3>{service}</h3>
      <p class="asks">
        asks for{' '}
        {routes.map((tag) => (
          <code key={tag}>{tag}</code>
        ))}
      </p>
      <Capped
        items={instances}
        most={5}
        render={(instance) => <InstanceProblem key={instance.instance} instance={instance} />}
      />
    </li>
  )
}

function InstanceProblem({ instance }: { instance: UnroutedView }) {
  return (
    <li class="instance-problem">
      <p class="who">
        <Health health={instance.health} /> <b>{instance.instance}</b>
        <Links instance={instance.instance} />
      </p>
      <p class="output why">{instance.reason}</p>
      <AdviceNote advice={adviceOnInstance(instance)} />
    </li>
  )
}

interface TextProblemProps {
  readonly problem: ProblemView & { readonly isOut: boolean }
  /** `consul` */
  readonly registry: string
}

function TextProblem({ problem, registry }: TextProblemProps) {
  const { service, instance, text, reason, isOut } = problem
  return (
    <li class="problem">
      <p class="who">
        <code>{text}</code>
        {instance !== '' && (
          <>
            <span>
              of <b>{service}</b> ({instance})
            </span>
            <Links instance={instance} />
          </>
        )}
      </p>
      <p class="output why">{reason}</p>
      {isOut && <p class="bad">The instance gets no request at all because of it.</p>}
      <AdviceNote advice={adviceOnText(problem, registry)} />
    </li>
  )
}

function Links({ instance }: { instance: string }) {
  return (
    <span class="links">
      <a href={linkTo('routes', { filter: `instance:${instance}` })}>routes</a>{' '}
      <a href={linkTo('history', { filter: instance })}>history</a>
    </span>
  )
}

function AdviceNote({ advice: { text, command, page } }: { advice: Advice }) {
  return (
    <p class="advice">
      {text}
      {page !== undefined && (
        <>
          {' '}
          <a href={page}>Overrides</a>
        </>
      )}
      {command !== undefined && <code class="command">{command}</code>}
    </p>
  )
}

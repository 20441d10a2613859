import type {
  ExplainedHostView,
  ExplainedRouteView,
  ExplainedTargetView,
  ExplanationView,
} from '../../../src/admin/view.ts'
import { count, percent } from '../format.ts'
import { Health } from '../health.tsx'
import { linkTo } from '../place.ts'
import { Shape } from '../shape.tsx'
import { Message } from './message.tsx'

/** The decision, step by step, with the evidence for each. */
export function Steps({ explanation }: { explanation: ExplanationView }) {
  const { method, host, path, hosts, route, why, answer, targets, tableVersion } = explanation
  const asked = [...new Set(targets.flatMap((target) => target.asked))]
  return (
    <ol class="steps">
      <li>
        <h2>What routing looks at</h2>
        <dl class="entries">
          <dt>Host</dt>
          <dd>
            <code>{host === '' ? '(none)' : host}</code>
          </dd>
          <dt>Path</dt>
          <dd>
            <code>{path}</code>
          </dd>
          <dt>Table</dt>
          <dd>version {tableVersion}</dd>
        </dl>
      </li>
      <li>
        <h2>Which hosts are asked, in this order</h2>
        <ul class="plain hosts">
          {hosts.map((each) => (
            <Host key={each.host} host={each} />
          ))}
        </ul>
      </li>
      <li>
        <h2>{route === null ? 'No route' : 'The route'}</h2>
        {route !== null && (
          <p>
            <a class="mono" href={linkTo('routes', { filter: route.host + route.path })}>
              {route.host}
              {route.path}
            </a>{' '}
            ({route.matcher})
          </p>
        )}
        <p class="output">{why}</p>
      </li>
      {asked.length > 0 && (
        <li>
          <h2>Who has to let it pass</h2>
          <p class="says">A request is asked for this first; an explanation asks nobody.</p>
          <ul class="plain">
            {asked.map((step) => (
              <li key={step}>
                <code>{step}</code>
              </li>
            ))}
          </ul>
        </li>
      )}
      {targets.length > 0 && (
        <li>
          <h2>Which instances get it</h2>
          <p class="says">
            {count(targets.filter(({ share }) => share > 0).length, 'instance')} of {targets.length}
          </p>
          <ul class="plain targets">
            {targets.map((target) => (
              <Target key={`${target.service} ${target.instance} ${target.url}`} target={target} />
            ))}
          </ul>
        </li>
      )}
      {answer !== null && (
        <li>
          <h2>The gateway itself answers</h2>
          <Message
            start={`HTTP/1.1 ${answer.status}`}
            fields={answer.fields}
            body={method === 'HEAD' ? '' : answer.body}
          />
        </li>
      )}
    </ol>
  )
}

function Host({ host: { host, matched, routes, otherPaths } }: { host: ExplainedHostView }) {
  return (
    <li class={routes.some(({ chosen }) => chosen) ? 'matched' : ''}>
      <p>
        <b>{host === '' ? <i>any host</i> : host}</b>{' '}
        <span class="says">
          {routes.length > 0
            ? 'has a route for this path'
            : matched
              ? 'has no route for this path'
              : host.includes('*')
                ? 'does not match'
                : 'has no route'}
        </span>
      </p>
      {routes.length > 0 && (
        <ul class="plain">
          {routes.map((route) => (
            <Candidate key={`${route.matcher} ${route.path}`} route={route} />
          ))}
        </ul>
      )}
      {otherPaths.length > 0 && (
        <p class="says">
          {routes.length > 0 ? 'also has ' : 'it has '}
          {otherPaths.map((path) => (
            <code key={path}>{path}</code>
          ))}
        </p>
      )}
    </li>
  )
}

function Candidate({ route: { path, matcher, chosen, why } }: { route: ExplainedRouteView }) {
  return (
    <li class={chosen ? 'chosen' : ''}>
      <span class={chosen ? 'good' : 'quiet'}>
        <Shape name={chosen ? 'good' : 'none'} />
        <span class="unseen">{chosen ? 'chosen: ' : 'not chosen: '}</span>
      </span>{' '}
      <code>{path}</code> ({matcher}) <span class="says">{why}</span>
    </li>
  )
}

function Target({ target }: { target: ExplainedTargetView }) {
  const { service, instance, url, share, health, why, request, asked } = target
  return (
    <li class={share > 0 ? 'target' : 'target out'}>
      <p class="share" style={{ '--share': share }}>
        {percent(share)}
      </p>
      <div>
        <p class="who">
          <b>{instance === '' ? url : instance}</b>
          <span>
            {service} at <span class="mono">{target.address}</span>
          </span>
          <Health health={health} />
        </p>
        <p class="output">{why}</p>
        {asked.length > 0 && (
          <p class="caution">
            <Shape name="caution" /> A real request has to pass {asked.join(', ')} before; that was not asked.
          </p>
        )}
        {request !== null && (
          <details>
            <summary>What it is sent</summary>
            <Message start={`${request.method} ${request.target} HTTP/1.1`} fields={request.fields} />
          </details>
        )}
      </div>
    </li>
  )
}

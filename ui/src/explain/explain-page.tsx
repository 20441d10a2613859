import { useComputed } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { ExplanationView, TableView } from '../../../src/admin/view.ts'
import { ask, wordsOfError } from '../api.ts'
import type { Gateway } from '../gateway.ts'
import { go, place } from '../navigation.ts'
import { PageHead } from '../page-head.tsx'
import { hrefOf, linkTo, withChanges } from '../place.ts'
import { Shape } from '../shape.tsx'
import { examplesOf, type Question, queryOf, questionIn } from './question.ts'
import { QuestionForm } from './question-form.tsx'
import { Steps } from './steps.tsx'
import './explain.css'

/** What would become of a request. The question is in the URL; the answer follows the table. */
export function ExplainPage({ gateway }: { gateway: Gateway }) {
  const question = useComputed(() => questionIn(place.value.query)).value
  const table = gateway.table.value
  const answer = useAnswer(question, table)
  return (
    <>
      <PageHead title="Explain" liveness={gateway.liveness.value}>
        <p class="says">What would become of a request. Nothing is sent: the route table itself is asked.</p>
      </PageHead>
      <QuestionForm
        question={question}
        onAsk={(next) =>
          go(hrefOf({ page: 'explain', query: withChanges(new URLSearchParams(), queryOf(next)) }))
        }
      />
      {question === null && table !== null && <Examples table={table} />}
      <output class={answer.error === '' ? 'unseen' : 'form-error bad'}>
        {answer.error !== '' ? (
          <>
            <Shape name="bad" /> {answer.error}
          </>
        ) : (
          answer.explanation !== null && verdictOf(answer.explanation)
        )}
      </output>
      {answer.explanation !== null && answer.error === '' && (
        <>
          <p class="verdict">{verdictOf(answer.explanation)}</p>
          <Steps explanation={answer.explanation} />
        </>
      )}
    </>
  )
}

interface Answer {
  readonly explanation: ExplanationView | null
  /** Empty: none. */
  readonly error: string
}

const nothing: Answer = { explanation: null, error: '' }

/** Asked anew with every change of the table, so that it never tells of an older one. */
function useAnswer(question: Question | null, table: TableView | null): Answer {
  const [answer, setAnswer] = useState<Answer>(nothing)
  const version = table?.version ?? null
  useEffect(() => {
    if (question === null) {
      setAnswer(nothing)
      return
    }
    const stop = new AbortController()
    const query = withChanges(new URLSearchParams(), queryOf(question))
    ask<ExplanationView>(`api/explain?${query}`, { signal: stop.signal }).then(
      (explanation) => setAnswer({ explanation, error: '' }),
      (error: unknown) => {
        if (!stop.signal.aborted) setAnswer({ explanation: null, error: wordsOfError(error) })
      },
    )
    return () => stop.abort()
  }, [question, version])
  return answer
}

/** The outcome in a sentence. */
function verdictOf({ route, answer, targets }: ExplanationView): string {
  if (answer !== null) {
    const by = route === null ? 'no route has it' : `${route.host}${route.path} has it`
    return `${answer.status} from the gateway itself: ${by}`
  }
  const serving = targets.filter(({ share }) => share > 0)
  const services = [...new Set(serving.map(({ service }) => service))].join(', ')
  const who = serving.length === 1 ? 'One instance' : `One of ${serving.length} instances`
  return `${who} of ${services} answers, by way of ${route?.host}${route?.path}`
}

function Examples({ table }: { table: TableView }) {
  const examples = examplesOf(table)
  if (examples.length === 0) return null
  return (
    <div class="examples">
      <p>For example</p>
      <ul class="plain">
        {examples.map((url) => (
          <li key={url}>
            <a class="mono" href={linkTo('explain', { url })}>
              {url}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

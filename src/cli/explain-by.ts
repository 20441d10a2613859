import { type ExplainQuery, explanationView, readQuestion } from '../admin/explanation.ts'
import type { ExplanationView, TargetView } from '../admin/view.ts'
import type { Clock } from '../base/world.ts'
import type { Control } from '../control.ts'
import type { Traffic } from '../traffic.ts'

/**
 * What would become of a request: the traffic plane knows what it would do, and the control plane the evidence. Throws a
 * QuestionError where it could not be sent.
 *
 * @param seen adds to a target what traffic has taught of it
 */
export function explainBy(
  { control, traffic, clock }: { control: Control; traffic: Traffic; clock: Clock },
  query: ExplainQuery,
  remoteAddress: string,
  seen: (target: TargetView) => TargetView = (target) => target,
): ExplanationView {
  const explanation = traffic.explain(readQuestion(query, remoteAddress))
  const { route } = explanation
  const known = route === null ? [] : control.targets(route, route.matcher)
  return explanationView(query, explanation, known.map(seen), clock.now())
}

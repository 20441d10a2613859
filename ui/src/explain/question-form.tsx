import { useEffect, useState } from 'preact/hooks'
import { headersIn, methods, type Question } from './question.ts'

interface QuestionFormProps {
  /** What is asked now; null: nothing yet. */
  readonly question: Question | null
  onAsk(question: Question): void
}

/** Where the request is written that one wants to know about. */
export function QuestionForm({ question, onAsk }: QuestionFormProps) {
  const [url, setUrl] = useState(question?.url ?? '')
  const [method, setMethod] = useState(question?.method ?? 'GET')
  const [headers, setHeaders] = useState(question?.headers.join('\n') ?? '')
  // Another question came by a link or from the history of the browser.
  useEffect(() => {
    setUrl(question?.url ?? '')
    setMethod(question?.method ?? 'GET')
    setHeaders(question?.headers.join('\n') ?? '')
  }, [question])
  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault()
        onAsk({ url, method: method.trim().toUpperCase() || 'GET', headers: headersIn(headers) })
      }}
    >
      <label class="method">
        Method
        <input
          list="methods"
          value={method}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setMethod(event.currentTarget.value)}
        />
      </label>
      <datalist id="methods">
        {methods.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <label class="url">
        URL
        <input
          // Not `type=url`: scheme and host may be left out.
          inputmode="url"
          required
          value={url}
          placeholder="http://shop.example.com/cart?id=7"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setUrl(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Explain
      </button>
      <label class="headers">
        Header fields, one in each line
        <textarea
          rows={Math.max(1, headers.split('\n').length)}
          value={headers}
          placeholder="Cookie: canary=1"
          spellcheck={false}
          onInput={(event) => setHeaders(event.currentTarget.value)}
        />
      </label>
    </form>
  )
}

import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { pageTitle } from './format.ts'
import { connect } from './gateway.ts'
import { accentOf } from './palette.ts'
import './style.css'

const gateway = connect(document.baseURI)

effect(() => {
  const info = gateway.info.value
  if (info === null) return
  document.title = pageTitle(info.title)
  const { color, ink } = accentOf(info.color)
  document.documentElement.style.setProperty('--accent', color)
  document.documentElement.style.setProperty('--on-accent', ink)
})

render(<App gateway={gateway} />, document.getElementById('app')!)

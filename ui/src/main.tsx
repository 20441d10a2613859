import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { connect } from './gateway.ts'
import { startNavigation } from './navigation.ts'
import { accentOf } from './palette.ts'
import './style.css'

const gateway = connect()
startNavigation()

effect(() => {
  const info = gateway.info.value
  if (info === null) return
  const { color, ink } = accentOf(info.color)
  document.documentElement.style.setProperty('--accent', color)
  document.documentElement.style.setProperty('--on-accent', ink)
})

render(<App gateway={gateway} />, document.getElementById('app')!)

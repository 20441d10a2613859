import { leaving } from './leaving.ts'

leaving('wire')

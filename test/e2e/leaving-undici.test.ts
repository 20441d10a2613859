import { leaving } from './leaving.ts'

leaving('undici')

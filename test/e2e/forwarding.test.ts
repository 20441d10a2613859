import { forwarding } from './forwarding.ts'

forwarding('wire')

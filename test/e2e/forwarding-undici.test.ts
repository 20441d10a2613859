import { forwarding } from './forwarding.ts'

forwarding('undici')

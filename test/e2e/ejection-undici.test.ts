import { ejection } from './ejection.ts'

ejection('undici')

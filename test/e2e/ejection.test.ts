import { ejection } from './ejection.ts'

ejection('wire')

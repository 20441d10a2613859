import { fields } from './fields.ts'

fields('wire')
fields('undici')

import { compressing } from './compression.ts'

compressing('wire')
compressing('undici')

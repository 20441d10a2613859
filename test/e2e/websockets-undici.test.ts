import { websockets } from './websockets.ts'

websockets('undici')

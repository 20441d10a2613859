import { websockets } from './websockets.ts'

websockets('wire')

import { createUpstream } from '../upstream.ts'
import { endWithParent, listenAndAnnounce } from './child.ts'

endWithParent()
listenAndAnnounce(createUpstream())

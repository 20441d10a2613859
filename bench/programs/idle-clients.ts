import { connect } from 'node:net'
import { endWithParent, portArgument } from './child.ts'

// Opens as many connections as its second argument says, each for one request, and then only holds them.
endWithParent()
const port = portArgument()
const count = Number(process.argv[3])
/** At a time: more would overflow the queue of the port. */
const atOnce = 100

const open = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = ''
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('a connection was closed')))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      // A head, and the 64 octets of the body.
      if (received.length - received.indexOf('\r\n\r\n') - 4 >= 64) resolve()
    })
    socket.write('GET /small HTTP/1.1\r\nHost: bench.example\r\n\r\n')
  })

try {
  for (let n = 0; n < count; n += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, count - n) }, open))
  }
  process.stdout.write('all are open\n')
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** A port that answers no attempt to connect: its process stands still and its queue is full. */
export async function blackHole(): Promise<string> {
  const program =
    "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line.toString())
  child.kill('SIGSTOP')
  for (let isFull = false; !isFull; ) {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    isFull = await Promise.race([once(socket, 'connect').then(() => false), pause(300).then(() => true)])
  }
  return `http://127.0.0.1:${port}/`
}

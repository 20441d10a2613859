import { spawnSync } from 'node:child_process'

type OpensslPasswd = (kind: '1' | 'apr1' | '5' | '6', salt: string, password: string) => string

/** `openssl passwd`; null where this machine has none. The password goes in on stdin: one may begin with a dash. */
export const opensslPasswd: OpensslPasswd | null =
  spawnSync('openssl', ['version']).status === 0
    ? (kind, salt, password) =>
        spawnSync('openssl', ['passwd', `-${kind}`, '-salt', salt, '-stdin'], { input: `${password}\n` })
          .stdout.toString()
          .trim()
    : null

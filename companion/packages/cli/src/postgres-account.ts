import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GatehouseError } from '@gatehouse/contracts'

const run = promisify(execFile)

export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * The operating-system user to run PostgreSQL as: `undefined` means the present one.
 * PostgreSQL refuses to run as root, so root gets the user `postgres`, created where it is missing.
 * @throws GatehouseError `postgres_account`
 */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return (await lookUp()) ?? (await create())
}

async function lookUp(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function create(): Promise<Account> {
  try {
    await run('groupadd', ['--system', 'postgres']).catch(() => undefined)
    await run('useradd', ['--system', '--no-create-home', '--gid', 'postgres', '--shell', '/bin/false', 'postgres'])
  } catch (cause) {
    throw new GatehouseError(
      'postgres_account',
      'PostgreSQL cannot run as root and no user "postgres" could be created; start as another user or set DATABASE_URL',
      { cause },
    )
  }
  const account = await lookUp()
  if (account) return account
  throw new GatehouseError('postgres_account', 'the user "postgres" was created but cannot be found')
}

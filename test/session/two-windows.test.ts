import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { type Company, startCompany } from '../support/company.ts'
import { FileStore } from '../support/file-store.ts'
import { openWindow } from '../support/session-window.ts'
import type { WindowReport } from './window-process.ts'

const WINDOWS = 3
const ROUNDS = 15

let company: Company
let folder: string
let program: string
beforeAll(async () => {
  ;[company, folder] = await Promise.all([startCompany(), mkdtemp(join(tmpdir(), 'gatehouse-windows-'))])
  await mkdir(join(folder, 'store'))
  program = join(folder, 'window.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'window-process.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  })
}, 120_000)
afterAll(async () => {
  await company.stop()
  await rm(folder, { recursive: true, force: true })
})

test('windows that are processes of their own refresh one rotated token at once, again and again, and none is signed out', async () => {
  verifies('AUTH-5.1')
  const store = join(folder, 'store')
  const first = openWindow({ registryUrl: company.registry, folder, secrets: new FileStore(store) })
  await first.signIn('ada')

  const windows = Array.from({ length: WINDOWS }, () =>
    fork(program, [company.registry, folder, store, String(ROUNDS)], { execArgv: [] }),
  )
  try {
    await Promise.all(windows.map((window) => said(window)))
    for (const window of windows) window.send('go')
    const reports = await Promise.all(windows.map((window) => said(window) as Promise<WindowReport>))
    for (const { state, errors, grants, tokens } of reports) {
      expect({ state, errors }).toEqual({ state: 'signed-in', errors: [] })
      // One refresh for each time that the token had run out, however many wanted one; and each gave a token of its own.
      expect(grants).toEqual(Array.from({ length: ROUNDS }, () => ['refresh_token', 200]))
      expect(tokens).toBe(ROUNDS)
    }
  } finally {
    for (const window of windows) window.kill('SIGKILL')
  }

  // The grant is alive: nothing that a window did looked like a stolen token.
  first.session.forget(company.registry)
  expect((await first.session.tokenFor(company.registry)).token).toBeTruthy()
  first.session.dispose()
}, 120_000)

async function said(window: ChildProcess): Promise<unknown> {
  const gone = once(window, 'exit').then(([status]) => {
    throw new Error(`a window ended with ${String(status)}`)
  })
  gone.catch(() => undefined)
  return ((await Promise.race([once(window, 'message'), gone])) as unknown[])[0]
}

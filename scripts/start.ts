// `npm start [-- --no-editor] [-- flags of gatehouse up]`: builds, starts the local stack, opens the editor with the extension loaded.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type CodeServer, startCodeServer } from './code-server.ts'
import { packageExtension } from './package-extension.ts'
import { fail, root, run, say, which } from './process.ts'

interface Ready {
  readonly kind: 'ready'
  readonly registry: string
  readonly issuer: string
  readonly servers: Readonly<Record<string, { readonly url: string }>>
  readonly people: readonly { readonly user: string; readonly groups: readonly string[] }[]
}

/** Default of the setting `gatehouse.registryUrl`. */
const DEFAULT_REGISTRY = 'http://127.0.0.1:7421'

const flags = process.argv.slice(2)
const withEditor = !flags.includes('--no-editor')

say('building …')
if ((await run(process.execPath, ['esbuild.config.mjs', '--only', 'extension,webview,companion'])) !== 0)
  fail('the build failed; its messages are above')

say('starting the local stack (identity provider, PostgreSQL, registry, Presto, runbooks) …')
const stack = spawn(
  process.execPath,
  [
    join(root, 'dist/companion/packages/cli/main.js'),
    'up',
    '--json',
    ...flags.filter((flag) => flag !== '--no-editor'),
  ],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
)
let editor: CodeServer | ChildProcess | undefined
let stopping = false

async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  if (editor && 'stop' in editor) await editor.stop()
  stack.kill('SIGTERM')
}
process.on('SIGINT', () => void stop())
process.on('SIGTERM', () => void stop())
stack.once('exit', (code) => {
  if (!stopping && code !== 0) say('the local stack ended; its message is above')
  void stop().then(() => process.exit(stopping ? 0 : (code ?? 1)))
})

for await (const line of createInterface({ input: stack.stdout })) {
  const event = JSON.parse(line) as { kind: string; message?: string }
  if (event.kind === 'ready') await ready(event as Ready)
  else if (event.message) say(event.message)
}

async function ready(event: Ready): Promise<void> {
  say(`ready: registry ${event.registry}, identity provider ${event.issuer}`)
  for (const [name, server] of Object.entries(event.servers)) say(`  ${name} at ${server.url}`)
  say(
    `  people: ${event.people.map((person) => `${person.user} (${person.groups.join(', ') || 'no groups'})`).join(', ')}`,
  )
  if (withEditor)
    await openEditor(event).catch((error: unknown) => say(`the editor could not be opened: ${String(error)}`))
  say('Ctrl-C stops everything.')
}

async function openEditor(event: Ready): Promise<void> {
  const code = await which('code')
  if (code) {
    say('opening VS Code with the extension loaded …')
    if (event.registry !== DEFAULT_REGISTRY) say(`set "gatehouse.registryUrl" to ${event.registry} in its settings`)
    editor = spawn(code, ['--new-window', `--extensionDevelopmentPath=${root}`], { stdio: 'ignore' })
    editor.once('error', (error) => say(`VS Code could not be started: ${error.message}`))
    return
  }
  const home = join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'gatehouse-editor')
  await mkdir(join(home, 'workspace'), { recursive: true })
  say('VS Code ("code") is not on the PATH: using the browser-served VS Code')
  const vsix = await packageExtension()
  const server = await startCodeServer({
    home,
    extensions: [vsix],
    settings: { 'gatehouse.registryUrl': event.registry },
  })
  editor = server
  say(`open ${server.url}/?folder=${encodeURIComponent(join(home, 'workspace'))} in a browser`)
}

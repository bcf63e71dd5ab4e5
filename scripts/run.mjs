// First step of every command, on whatever Node the machine has (20 or newer): installs the locked dependencies, Node 24 among
// them, and hands over to scripts/NAME.ts on that Node. Plain JavaScript on built-ins alone, for nothing is installed yet.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const [name, ...args] = process.argv.slice(2)

function fail(message) {
  process.stderr.write(`gatehouse: ${message}\n`)
  process.exit(1)
}

function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.gatehouse-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stderr.write('gatehouse: installing the locked dependencies (a minute or two, once) …\n')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (result.error) fail(`npm could not be started (${result.error.message}); install Node.js 20 or newer with npm`)
  if (result.status !== 0) fail('npm ci failed; its messages are above')
  writeFileSync(stamp, wanted)
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node.js 20 or newer is needed, this is ${process.versions.node}`)
install()

const bin = join(root, 'node_modules', '.bin')
const node = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node')
if (!existsSync(node)) fail('Node 24 is missing from node_modules; remove node_modules and try again')
const child = spawn(node, [join(root, 'scripts', `${name}.ts`), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  shell: process.platform === 'win32',
})
// The terminal sends Ctrl-C to the whole group; a SIGTERM to this process alone is handed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
// npm does not hand a signal on to what it runs, so when it goes, whoever is below goes too.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM')
}, 500).unref()
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))

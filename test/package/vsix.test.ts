import { existsSync, readFileSync, statSync } from 'node:fs'
import JSZip from 'jszip'
import { beforeAll, describe, expect, test } from 'vitest'

const VSIX = 'dist/gatehouse.vsix'
const MEGABYTE = 1_000_000

/** Everything that may be in the package; `extension/` is cut off. */
const ALLOWED = [
  /^(\[Content_Types\]\.xml|extension\.vsixmanifest)$/,
  /^(package\.json|readme\.md|changelog\.md|LICENSE\.txt)$/,
  /^media\/(icon\.png|gatehouse\.svg|walkthrough\/[a-z-]+\.(md|svg))$/,
  /^dist\/extension\.cjs$/,
  /^dist\/lazy\/([a-z-]+|shared-[A-Z0-9]{8})\.js$/,
  /^dist\/webview\/([a-z]+\.js|codicon\.(css|ttf))$/,
  /^dist\/keytar\/(package\.json|LICENSE\.md|lib\/keytar\.js|prebuilds\/[a-z0-9]+-[a-z0-9]+\/keytar\.node)$/,
  /^dist\/companion\/(package\.json|package-lock\.json|README\.md)$/,
  /^dist\/companion\/(packages|services|servers)\/[a-z]+\/main\.js$/,
  /^dist\/companion\/samples\/nightly\/main\.js$/,
  /^dist\/companion\/servers\/runbooks\/samples\/[a-z-]+\.md$/,
  /^dist\/companion\/servers\/[a-z]+\/server\.json$/,
  /^dist\/companion\/servers\/[a-z]+\/policies\/([a-z-]+\.cedar|schema\.cedarschema|cases\.json)$/,
]

interface Step {
  readonly media: { readonly markdown?: string; readonly image?: string; readonly svg?: string }
}
interface View {
  readonly id: string
  readonly type?: string
  readonly icon?: string
}
interface Manifest {
  readonly main: string
  readonly icon: string
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly icon?: string }[]
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>
    readonly viewsContainers: { readonly activitybar: readonly { readonly icon: string }[] }
    readonly views: Readonly<Record<string, readonly View[]>>
    readonly walkthroughs: readonly { readonly steps: readonly Step[] }[]
  }
}

/** Bytes by path. */
const files = new Map<string, Buffer>()
let manifest: Manifest
const text = (path: string) => files.get(path)?.toString('utf8') ?? ''
/** What the extension host loads. */
const code = () =>
  [...files.keys()]
    .filter((path) => path === 'dist/extension.cjs' || path.startsWith('dist/lazy/'))
    .map(text)
    .join('\n')

beforeAll(async () => {
  if (!existsSync(VSIX)) throw new Error(`${VSIX} is missing: run "npm run package" first`)
  const zip = await JSZip.loadAsync(readFileSync(VSIX))
  for (const entry of Object.values(zip.files)) {
    if (!entry.dir) files.set(entry.name.replace(/^extension\//, ''), await entry.async('nodebuffer'))
  }
  manifest = JSON.parse(text('package.json')) as Manifest
})

describe('the packaged extension', () => {
  test('holds what it needs and nothing else', () => {
    expect([...files.keys()].filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))).toEqual([])
    for (const pattern of ALLOWED)
      expect(
        [...files.keys()].some((path) => pattern.test(path)),
        String(pattern),
      ).toBe(true)
  })

  test('is small: below 4 MB to download, below 12 MB unpacked', () => {
    expect(statSync(VSIX).size).toBeLessThan(4 * MEGABYTE)
    expect([...files.values()].reduce((sum, bytes) => sum + bytes.length, 0)).toBeLessThan(12 * MEGABYTE)
  })

  test('holds no secret, no source map, and no path of the machine that built it', () => {
    for (const path of files.keys()) {
      const content = text(path)
      expect(content, path).not.toMatch(/-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}/)
      expect(content, path).not.toMatch(/"d":\s*"[A-Za-z0-9_-]{43}"/)
      expect(content, path).not.toMatch(/\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\./)
      expect(content, path).not.toMatch(/sourceMappingURL=(?!data:)\S+\.map/)
      expect(content.includes(process.cwd()), `${path} names ${process.cwd()}`).toBe(false)
    }
  })

  test('has the keychain’s binary for each platform', () => {
    for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'])
      expect(files.get(`dist/keytar/prebuilds/${platform}/keytar.node`)?.length, platform).toBeGreaterThan(10_000)
  })
})

describe('its manifest', () => {
  test('names only files that are in the package', () => {
    const { contributes } = manifest
    const views = Object.values(contributes.views).flat()
    const media = contributes.walkthroughs.flatMap(({ steps }) => steps.flatMap(({ media }) => Object.entries(media)))
    const named = [
      manifest.main,
      manifest.icon,
      ...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
      ...views.flatMap(({ icon }) => icon ?? []),
      ...contributes.commands.flatMap(({ icon }) => (icon === undefined || icon.startsWith('$(') ? [] : icon)),
      ...media.flatMap(([kind, path]) => (kind === 'altText' ? [] : path)),
      ...views.flatMap(({ id, type }) => (type === 'webview' ? `dist/webview/${id.split('.').at(-1)}.js` : [])),
    ]
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((path) => !files.has(path.replace(/^\.\//, '')))).toEqual([])
  })

  test('promises no command and no view that the code does not have', () => {
    const { commands, views } = manifest.contributes
    // A command is registered by its bare name (src/editor/commands.ts).
    const names = commands.map(({ command }) => command.replace('gatehouse.', ''))
    const ids = Object.values(views).flatMap((container) => container.map(({ id }) => id))
    const loaded = code()
    expect(names.filter((name) => !new RegExp(`\\b${name}[:(]`).test(loaded))).toEqual([])
    expect(ids.filter((id) => !loaded.includes(`"${id}"`))).toEqual([])
    expect([names.length, ids.length].every((count) => count > 1)).toBe(true)
  })

  test('leads to no command that is not declared', () => {
    const declared = new Set(manifest.contributes.commands.map(({ command }) => command))
    for (const view of Object.values(manifest.contributes.views).flat()) declared.add(`${view.id}.focus`)
    const links = [...text('package.json').matchAll(/command:(gatehouse\.[A-Za-z.]+)/gi)].map(([, id]) => id ?? '')
    const inMenus = Object.values(manifest.contributes.menus).flatMap((menu) => menu.map(({ command }) => command))
    expect([...links, ...inMenus].filter((command) => !declared.has(command))).toEqual([])
  })
})

test('every part that the extension loads at first use is in the package', () => {
  const parts = [...text('dist/extension.cjs').matchAll(/["'`]\.\/(lazy\/[A-Za-z0-9-]+\.js)["'`]/g)].map(
    ([, path]) => path,
  )
  expect(parts.length).toBeGreaterThan(3)
  expect(parts.filter((path) => !files.has(`dist/${path}`))).toEqual([])
})

test('the companion in it has every process, and says how to start it', () => {
  const processes = [
    'packages/cli',
    'services/identity',
    'services/registry',
    'servers/presto',
    'servers/runbooks',
    'samples/nightly',
  ]
  for (const path of processes) expect(files.has(`dist/companion/${path}/main.js`), path).toBe(true)
  expect(text('dist/companion/README.md')).toMatch(/npm ci[\s\S]*npm start/)
  const { scripts } = JSON.parse(text('dist/companion/package.json')) as { scripts: Record<string, string> }
  expect(Object.keys(scripts)).toEqual(['start', 'gatehouse'])
})

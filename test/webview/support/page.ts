import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { pageHtml, type PageName } from '../../../src/editor/page-html.ts'

const root = join(import.meta.dirname, '../../..')
const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', ttf: 'font/ttf' }

/** What VS Code gives every webview; the colours are those of its dark theme. */
const THEME = `:root {
  --vscode-foreground: #cccccc; --vscode-descriptionForeground: #9d9d9d; --vscode-errorForeground: #f85149;
  --vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-editor-font-family: monospace; --vscode-editor-font-size: 13px;
  --vscode-button-background: #0078d4; --vscode-button-foreground: #ffffff; --vscode-button-secondaryBackground: #313131;
  --vscode-button-secondaryForeground: #cccccc; --vscode-focusBorder: #0078d4; --vscode-input-background: #313131;
  --vscode-input-foreground: #cccccc; --vscode-panel-border: #2b2b2b; --vscode-textCodeBlock-background: #2b2b2b;
  --vscode-editorWidget-background: #202020; --vscode-editorWarning-foreground: #cca700; --vscode-editorError-foreground: #f85149;
  --vscode-inputValidation-warningBackground: #352a05; --vscode-inputValidation-warningBorder: #b89500;
  --vscode-notificationsWarningIcon-foreground: #cca700; }
body { background: #181818; margin: 0; padding: 0 8px; }`

export interface Webview {
  readonly page: Page
  /** As the extension host does it. */
  post(message: unknown): Promise<void>
  /** What the page has sent, oldest first. */
  sent(): Promise<unknown[]>
  /** Violations of the page's policy, and errors it did not catch. */
  readonly faults: string[]
}

/** The built pages in a real browser, under their real policy; the test plays the extension host. */
export class Webviews {
  private readonly folder: string
  private readonly browser: Browser
  private readonly context: BrowserContext

  private constructor(folder: string, browser: Browser, context: BrowserContext) {
    this.folder = folder
    this.browser = browser
    this.context = context
  }

  static async open(): Promise<Webviews> {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-webviews-'))
    await build({
      entryPoints: {
        plans: join(root, 'webview/plans/main.ts'),
        elicitation: join(root, 'webview/elicitation/main.ts'),
      },
      outdir: folder,
      bundle: true,
      format: 'esm',
      target: 'chrome130',
    })
    const browser = await chromium.launch({
      executablePath: process.env['GATEHOUSE_CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    })
    return new Webviews(folder, browser, await browser.newContext({ viewport: { width: 420, height: 900 } }))
  }

  async show(name: PageName): Promise<Webview> {
    const page = await this.context.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
    })
    await page.addInitScript(() => {
      const sent: unknown[] = []
      Object.assign(window, {
        sent,
        acquireVsCodeApi: () => ({ postMessage: (message: unknown) => sent.push(message) }),
      })
    })
    const server = createServer((request, response) => {
      const file = (request.url ?? '/').slice(1)
      const { port } = server.address() as AddressInfo
      const origin = `http://127.0.0.1:${port}`
      if (file === '') {
        const html = pageHtml(name, { source: origin, uri: (path) => `${origin}/${path}`, nonce: 'bm9uY2U=' })
        response
          .setHeader('content-type', 'text/html')
          .end(html.replace('</head>', `<link rel="stylesheet" href="${origin}/theme.css"></head>`))
        return
      }
      response.setHeader('content-type', TYPES[file.split('.').at(-1) ?? ''] ?? 'text/plain')
      this.content(file).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    page.on('close', () => server.close())
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.waitForFunction(() => (window as unknown as { sent: unknown[] }).sent.length > 0)
    return {
      page,
      faults,
      post: (message) => page.evaluate((data) => window.postMessage(data, '*'), message),
      sent: () => page.evaluate(() => (window as unknown as { sent: unknown[] }).sent),
    }
  }

  async close(): Promise<void> {
    await this.browser.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  private async content(file: string): Promise<string | Buffer> {
    if (file === 'theme.css') return THEME
    if (file.startsWith('codicon'))
      return readFile(join(root, 'node_modules/@vscode/codicons/dist', file.replace(/\?.*$/, '')))
    return readFile(join(this.folder, file))
  }
}

import { join } from 'node:path'
import * as vscode from 'vscode'
import { registerAuthentication } from './editor/authentication.ts'
import { type CodeBox, createCodeBox } from './editor/code-box.ts'
import { copySupport, openSettings, openWalkthrough, registerCommands, showDetails } from './editor/commands.ts'
import { openCompanion } from './editor/companion.ts'
import { approveAll, decide, rejectAll } from './editor/decide.ts'
import { createElicitation } from './editor/elicitation-panel.ts'
import { codeOf, explain } from './editor/errors.ts'
import { lazy } from './editor/lazy.ts'
import { type Log, openLog } from './editor/log.ts'
import { registerMcpServers } from './editor/mcp-servers.ts'
import { openExternal } from './editor/open-external.ts'
import { registerParticipant } from './editor/participant.ts'
import { createPlansView } from './editor/plans-view.ts'
import { present } from './editor/presenter.ts'
import { createRedirects } from './editor/redirects.ts'
import { runtimeFolder } from './editor/runtime-folder.ts'
import { editorSecrets, keytarLoader } from './editor/secrets.ts'
import { createServersTree } from './editor/servers-tree.ts'
import { offerReload, readSettings, type Settings } from './editor/settings.ts'
import { showSignInNotice } from './editor/show-sign-in-notice.ts'
import { createSignIn } from './editor/sign-in.ts'
import { createStatusBar } from './editor/status-bar.ts'
import { createTell, type Tell } from './editor/tell.ts'
import { registerUriHandler } from './editor/uri-handler.ts'
import { createWaitingNotice } from './editor/waiting-notice.ts'
import type { PlansRequest } from './messages.ts'
import { SessionError } from './session/errors.ts'
import type { UriHandler } from './session/redirect/uri-handler.ts'
import type { Session } from './session/types.ts'

/** What the suites inside the extension host look at; there is none outside of them. */
export interface TestAccess {
  readonly parts: ReturnType<typeof createParts>
  readonly surfaces: ReturnType<typeof createSurfaces>
  /** Time that `activate` took, milliseconds. */
  readonly activationMs: number
}

/**
 * Registers everything the editor may ask for, and starts nothing heavy: each part is loaded when it is first needed. A signed-out
 * window loads the session alone.
 */
export function activate(context: vscode.ExtensionContext): { test?: TestAccess } {
  const startedAt = performance.now()
  const settings = readSettings()
  const log = openLog(settings)
  const tell = createTell(log)
  const editor = {
    context,
    settings,
    log,
    tell,
    codeBox: createCodeBox(),
    uriHandler: registerUriHandler(context.extension.id),
  }

  const parts = createParts(editor, (server) => presenter.titleOf(server) ?? server)
  const signIn = createSignIn(parts.session)
  const surfaces = createSurfaces(editor, {
    decide: async (request) => decide(request, await parts.plans.get(), presenter.subject()),
    signIn: () => signIn.run(),
    titleOf: (server) => presenter.titleOf(server) ?? server,
  })
  const presenter = present(parts, () => surfaces)

  context.subscriptions.push(
    log,
    editor.uriHandler,
    ...Object.values(surfaces),
    offerReload(),
    showSignInNotice(parts.session, signIn, tell),
    registerAuthentication({ ...parts, signIn }),
    registerMcpServers({ ...parts, log }),
    registerParticipant({ ...parts, extensionUri: context.extensionUri, log }),
    registerCommands(
      {
        signIn: () => signIn.run(),
        signOut: async () => (await parts.session.get()).signOut(),
        pasteCode: () => editor.codeBox.openOrExplain(),
        cancelSignIn: () => signIn.cancel(),
        refresh: async () => void (await (await parts.catalog.get()).refresh()),
        showPlans: () => surfaces.plansView.reveal(),
        approveAll: async () => approveAll(await parts.plans.get(), presenter.subject(), surfaces.plansView.reveal),
        rejectAll: async () => rejectAll(await parts.plans.get(), presenter.subject()),
        showLog: () => log.show(),
        openSettings,
        openWalkthrough,
        openCompanion: () => openCompanion(context.extensionPath),
        copySupport,
        showDetails,
      },
      tell,
    ),
    { dispose: () => void close(parts) },
  )

  // After activation, so that the editor does not wait for it.
  setImmediate(() => {
    start(parts, tell).catch((error: unknown) => {
      presenter.unusable(explain(codeOf(error)).title)
      tell(error)
    })
  })
  const activationMs = performance.now() - startedAt
  log.debug(`activated in ${activationMs.toFixed(1)} ms`)
  return context.extensionMode === vscode.ExtensionMode.Test ? { test: { parts, surfaces, activationMs } } : {}
}

interface Editor {
  readonly context: vscode.ExtensionContext
  readonly settings: Settings
  readonly log: Log
  readonly tell: Tell
  readonly codeBox: CodeBox
  readonly uriHandler: UriHandler
}

/** The parts below the editor, each made at first use from those it needs. Every `import()` here is a bundle of its own. */
function createParts(
  { context, settings, log, tell, codeBox, uriHandler }: Editor,
  titleOf: (server: string) => string,
) {
  const shared = context.globalStorageUri.fsPath
  const version = (context.extension.packageJSON as { version: string }).version
  const elicit = createElicitation({ extensionUri: context.extensionUri, log, titleOf })

  const secrets = lazy(async () => {
    const { createSecretStore } = await import('./session/secret-store.ts')
    return createSecretStore({
      loadKeytar: keytarLoader(context.extensionPath),
      fallback: editorSecrets(context.secrets),
      log,
    })
  })
  const session = lazy(async () => {
    const { createSession } = await import('./session/session.ts')
    const [clientId, clientMetadataUrl] = [settings.clientId(), settings.clientMetadataUrl()]
    return createSession({
      registryUrl: settings.registryUrl(),
      ...(clientId === undefined ? {} : { client: { id: clientId } }),
      ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
      warnBefore: () => settings.warnBefore(),
      secrets: await secrets.get(),
      openExternal,
      redirects: createRedirects({ settings, uriHandler, codeBox }),
      onScopeNeeded: () => tell(new SessionError('scope_needed')),
      folder: join(shared, 'session'),
      log,
    })
  })
  const catalog = lazy(async () => {
    const [{ createCatalog }, { registryResource }] = await Promise.all([
      import('./catalog/catalog.ts'),
      import('./session/registry-url.ts'),
    ])
    const [person, pins] = await Promise.all([session.get(), secrets.get()])
    const registryUrl = registryResource(settings.registryUrl())
    return createCatalog({
      registryUrl,
      fetch: person.fetchFor(registryUrl),
      subject: () => subjectOf(person),
      onSubject: (listener) => person.onChange(listener),
      clientId: () => person.clientId(),
      pins,
      cacheDir: join(shared, 'catalog'),
      log,
    })
  })
  const plans = lazy(async () => {
    const [{ createPlans }, { openSealKey }, { withWindowLock }] = await Promise.all([
      import('./plans/plans.ts'),
      import('./plans/seal.ts'),
      import('./session/window-lock.ts'),
    ])
    return createPlans({
      folder: join((context.storageUri ?? context.globalStorageUri).fsPath, 'plans'),
      sealKey: await openSealKey(await secrets.get(), (work) => withWindowLock(join(shared, 'plans.lock'), work)),
      log: log.line,
    })
  })
  const connections = lazy(async () => {
    const { createConnections } = await import('./connections/connections.ts')
    return createConnections({
      catalog: await catalog.get(),
      session: await session.get(),
      plans: await plans.get(),
      clientInfo: { name: 'gatehouse-vscode', title: 'Gatehouse', version },
      elicit,
      log: log.line,
    })
  })
  const bridge = lazy(async () => {
    const { startBridge } = await import('./bridge/bridge.ts')
    return startBridge({
      catalog: await catalog.get(),
      connections: await connections.get(),
      plans: await plans.get(),
      runtimeDir: runtimeFolder(),
      log: log.line,
      version,
    })
  })
  return { session, catalog, plans, connections, bridge }
}

function createSurfaces(
  { context, settings, log, tell }: Editor,
  acts: {
    readonly decide: (request: PlansRequest & { kind: 'approve' | 'reject' }) => Promise<void>
    readonly signIn: () => Promise<unknown>
    readonly titleOf: (server: string) => string
  },
) {
  const plansView = createPlansView({
    extensionUri: context.extensionUri,
    log,
    decide: (request) => void acts.decide(request).catch(tell),
    signIn: () => void acts.signIn().catch((error: unknown) => tell(error, 'gatehouse.signIn')),
  })
  const notice = createWaitingNotice({ settings, view: plansView, titleOf: acts.titleOf })
  return { statusBar: createStatusBar(), tree: createServersTree(), plansView, notice }
}

/** Restores the session. Once someone is signed in, the list is fetched and what waits is shown, in this window from then on. */
async function start(parts: ReturnType<typeof createParts>, tell: Tell): Promise<void> {
  const session = await parts.session.get()
  const follow = async (): Promise<void> => {
    if (session.state().kind !== 'signed-in') return
    await Promise.all([parts.catalog.get(), parts.plans.get(), parts.connections.get(), parts.bridge.get()])
  }
  session.onChange(() => void follow().catch(tell))
  await session.restored
  await follow()
}

/** What uses another goes first. */
async function close({ bridge, connections, plans, catalog, session }: ReturnType<typeof createParts>): Promise<void> {
  await bridge.peek()?.dispose()
  await connections.peek()?.dispose()
  plans.peek()?.dispose()
  catalog.peek()?.dispose()
  session.peek()?.dispose()
}

function subjectOf(session: Session): string | undefined {
  const state = session.state()
  return state.kind === 'signed-in' ? state.account.subject : undefined
}

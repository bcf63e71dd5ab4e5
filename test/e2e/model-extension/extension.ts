import * as vscode from 'vscode'
import { nextMove } from './script.ts'

/** A language model whose answers are written in the prompt: see script.ts. It lets the editor's real agent mode run offline. */
export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(vscode.lm.registerLanguageModelChatProvider('scripted', provider))
}

const provider: vscode.LanguageModelChatProvider = {
  provideLanguageModelChatInformation: () => [
    {
      id: 'scripted',
      name: 'Scripted',
      family: 'scripted',
      version: '1',
      maxInputTokens: 200_000,
      maxOutputTokens: 50_000,
      capabilities: { toolCalling: true, imageInput: false },
    },
  ],
  provideTokenCount: (_model, text) => Promise.resolve(typeof text === 'string' ? text.length : 100),
  provideLanguageModelChatResponse(_model, messages, options, progress) {
    const turns = messages.map((message) => ({
      text: message.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('\n'),
      results: message.content.flatMap((part) =>
        part instanceof vscode.LanguageModelToolResultPart ? [resultText(part)] : [],
      ),
    }))
    for (const move of nextMove(turns, options.tools?.map((tool) => tool.name) ?? [])) {
      progress.report(
        move.kind === 'text'
          ? new vscode.LanguageModelTextPart(move.text)
          : new vscode.LanguageModelToolCallPart(move.id, move.tool, move.arguments),
      )
    }
    return Promise.resolve()
  },
}

function resultText(part: vscode.LanguageModelToolResultPart): string {
  return part.content.map((item) => (item instanceof vscode.LanguageModelTextPart ? item.value : '')).join('')
}

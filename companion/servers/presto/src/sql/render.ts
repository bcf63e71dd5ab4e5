import { type ParserRuleContext, Token } from 'antlr4ng'

/** Writes tokens back as text, with some of them replaced. Two tokens never touch, so that they cannot merge into another one. */
export class Rendering {
  readonly #tokens: readonly Token[]
  readonly #replaced = new Map<number, string>()
  readonly #before = new Map<number, string>()
  readonly #after = new Map<number, string>()

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** The node's first token becomes `text`, its others disappear. */
  replace(node: ParserRuleContext, text: string): void {
    const [from, to] = span(node)
    for (let index = from; index <= to; index++) this.#replaced.set(index, index === from ? text : '')
  }

  wrap(node: ParserRuleContext, before: string, after: string): void {
    const [from, to] = span(node)
    this.#before.set(from, before)
    this.#after.set(to, after)
  }

  all(): string {
    return this.#join(this.#tokens)
  }

  of(node: ParserRuleContext): string {
    const [from, to] = span(node)
    return this.#join(this.#tokens.filter((token) => token.tokenIndex >= from && token.tokenIndex <= to))
  }

  #join(tokens: readonly Token[]): string {
    const words: string[] = []
    for (const { tokenIndex, text } of tokens) {
      words.push(
        this.#before.get(tokenIndex) ?? '',
        this.#replaced.get(tokenIndex) ?? text ?? '',
        this.#after.get(tokenIndex) ?? '',
      )
    }
    return words.filter((word) => word !== '').join(' ')
  }
}

function span(node: ParserRuleContext): [number, number] {
  return [node.start?.tokenIndex ?? Token.INVALID_TYPE, node.stop?.tokenIndex ?? Token.INVALID_TYPE]
}

import { type ParserRuleContext, type ParseTree } from 'antlr4ng'

export type NodeOf<N> = abstract new (...args: never[]) => N

/** A node that matched nothing has no list of children at all. */
export function childrenOf(node: ParserRuleContext): readonly ParseTree[] {
  return node.children ?? []
}

export function childOf<N extends ParserRuleContext>(node: ParserRuleContext, type: NodeOf<N>): N | undefined {
  return childrenOf(node).find((child): child is N => child instanceof type)
}

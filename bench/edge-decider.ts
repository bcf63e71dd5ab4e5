// A process of its own for the decisions, bundled as the product is.
import { measureDecide } from './edge-decide.ts'
import { serveParent } from './kit-child.ts'

serveParent({ ...measureDecide() })

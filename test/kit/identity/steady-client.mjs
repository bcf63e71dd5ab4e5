// A client in a thread of its own, as the edge is a process of its own: asks again the moment that an answer is whole.
import { connect } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

const { options, requests } = workerData
let answers = 0
let text = ''
const socket = connect({ ...options, checkServerIdentity: () => undefined })
const ask = () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
socket.setEncoding('latin1')
socket.once('secureConnect', ask)
socket.once('close', () => parentPort.postMessage(answers))
socket.on('error', () => socket.destroy())
socket.on('data', (chunk) => {
  text += chunk
  if (!text.endsWith('\r\n\r\ndone')) return
  text = ''
  if (++answers === requests) socket.destroy()
  else ask()
})

import type { ChannelCredentials } from '@grpc/grpc-js';
import type { HttpProxy } from './proxy.ts';
import { ProxyError, tunnel } from './tunnel.ts';

/** What a channel needs whose connections lead to a proxy, and through it to the receiver. */
interface GrpcTunnel {
  /** Of the proxy. */
  readonly address: string;
  readonly credentials: ChannelCredentials;
  /** What the proxy has refused a connection for, since it let one through. */
  refusal(): ProxyError | undefined;
}

/** `inner` are the credentials for the receiver at HOST:PORT, `target`. */
export function tunneled(
  inner: ChannelCredentials,
  proxy: HttpProxy,
  target: string,
  grpc: typeof import('@grpc/grpc-js'),
): GrpcTunnel {
  let refusal: ProxyError | undefined;
  class TunnelCredentials extends grpc.ChannelCredentials {
    override _isSecure(): boolean {
      return inner._isSecure();
    }

    override _equals(other: ChannelCredentials): boolean {
      return this === other;
    }

    override _createSecureConnector(...[, options, calls]: Parameters<typeof inner._createSecureConnector>) {
      // Whose certificate it is that is checked.
      const connector = inner._createSecureConnector({ scheme: 'dns', path: target }, options, calls);
      const connect: typeof connector.connect = async (socket) => {
        try {
          const through = await tunnel(socket, proxy, target);
          refusal = undefined;
          return await connector.connect(through);
        } catch (error) {
          refusal = error instanceof ProxyError && error.isRefusal ? error : undefined;
          throw error;
        }
      };
      return {
        connect,
        waitForReady: () => connector.waitForReady(),
        getCallCredentials: () => connector.getCallCredentials(),
        destroy: () => connector.destroy(),
      };
    }
  }
  const { host, port } = proxy;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { address, credentials: new TunnelCredentials(), refusal: () => refusal };
}

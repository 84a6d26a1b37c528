// A person whose application (matrix-js-sdk) neither writes to nor shows devices that their owner has not
// signed: joins the room that they were invited to, says a line there, and prints each thing that others say.
//
//     node signed_devices_only.mjs HOMESERVER USER_ID PASSWORD ROOM_ID LINE
//
// Prints one JSON object a line: {"sender", "body", "failed"}; ends when it is told to.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const here = createRequire(process.cwd() + "/");
const load = async (name) => import(pathToFileURL(here.resolve(name)).href);
const sdk = await load("matrix-js-sdk");
const { OnlySignedDevicesIsolationMode } = await load("matrix-js-sdk/lib/crypto-api/index.js");
const { logger } = await load("matrix-js-sdk/lib/logger.js");
logger.setLevel("silent", false);

const [homeserver, userId, password, roomId, line] = process.argv.slice(2);
const entrance = sdk.createClient({ baseUrl: homeserver });
const login = await entrance.loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: userId },
    password,
});
const client = sdk.createClient({
    baseUrl: homeserver,
    userId,
    accessToken: login.access_token,
    deviceId: login.device_id,
});
await client.initRustCrypto({ useIndexedDB: false });
const crypto = client.getCrypto();
crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
await crypto.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (makeRequest) =>
        makeRequest({ type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password }),
});

const tell = (event) => {
    if (event.getSender() === userId || event.getType() !== "m.room.message") return;
    const said = { sender: event.getSender(), body: event.getContent().body, failed: event.isDecryptionFailure() };
    console.log(JSON.stringify(said));
};
client.on(sdk.ClientEvent.Event, (event) => {
    if (event.isEncrypted()) event.once(sdk.MatrixEventEvent.Decrypted, tell);
    else tell(event);
});
await client.startClient({ initialSyncLimit: 1 });
await new Promise((ready) => client.once(sdk.ClientEvent.Sync, ready));
await client.joinRoom(roomId);
while (!(await crypto.isEncryptionEnabledInRoom(roomId)) || !client.getRoom(roomId)) {
    await new Promise((again) => client.once(sdk.ClientEvent.Sync, again));
}
await client.sendTextMessage(roomId, line);

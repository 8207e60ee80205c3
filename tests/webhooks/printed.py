"""The code that crowdsorcerer.txt prints for receivers, as it stands there but for the indentation that it has lost."""

PYTHON = '''
import hmac, hashlib, time
def verify_webhook(payload_bytes: bytes, secret: str, sig_header: str,
                   tolerance: int = 300) -> bool:
    """Verify a CrowdSorcerer webhook signature."""
    # Parse "t=TIMESTAMP,v1=SIGNATURE"
    parts = {}
    for part in sig_header.split(","):
        key, _, value = part.partition("=")
        parts[key.strip()] = value.strip()
    timestamp = parts.get("t")
    signature = parts.get("v1")
    if not timestamp or not signature:
        return False
    # Reject old deliveries (replay protection)
    if abs(time.time() - int(timestamp)) > tolerance:
        return False
    # Reconstruct the signed payload: "{timestamp}.{body}"
    sig_input = f"{timestamp}.".encode() + payload_bytes
    expected = hmac.new(
        secret.encode(), sig_input, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected, signature)
'''

TYPESCRIPT = """
import crypto from "crypto";
function verifyWebhook(
payloadBytes: Buffer, secret: string,
sigHeader: string, toleranceSec = 300
): boolean {
const parts: Record<string, string> = {};
for (const p of sigHeader.split(",")) {
const [k, ...v] = p.split("=");
parts[k.trim()] = v.join("=").trim();
}
const ts = parts["t"], sig = parts["v1"];
if (!ts || !sig) return false;
if (Math.abs(Date.now() / 1000 - Number(ts)) > toleranceSec) return false;
const sigInput = Buffer.concat([
Buffer.from(ts + "."),
payloadBytes,
]);
const expected = crypto
.createHmac("sha256", secret)
.update(sigInput)
.digest("hex");
return crypto.timingSafeEqual(
Buffer.from(expected), Buffer.from(sig)
);
}
"""

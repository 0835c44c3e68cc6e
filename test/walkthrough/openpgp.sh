# shellcheck shell=bash
# Part of walkthrough.sh: OpenPGP: certificates, imported keys, signatures.

section OpenPGP
export GNUPGHOME NETHSM_KEY_CERT_OUTPUT_FILE
GNUPGHOME=$(mktemp --directory --tmpdir="$dir" --suffix gnupg)
NETHSM_KEY_CERT_OUTPUT_FILE=$(temp openpgp-cert.pgp)
gpg_check() { gpg --batch --quiet --no-auto-check-trustdb --trust-model always "$@" 2>"$dir/gpg" || { cat "$dir/gpg" >&2; return 1; }; }
certificate() { # USER KEY
  nethsm --user "$1" key cert get --force "$2"
  gpg_check --import "$NETHSM_KEY_CERT_OUTPUT_FILE"
  sq inspect "$NETHSM_KEY_CERT_OUTPUT_FILE" >"$dir/out"
  has "Test $2 key" "$dir/out"
}
for name in "" namespace1~; do
  both=(--user "${name}admin1" --user "${name}operator1")
  nethsm "${both[@]}" openpgp add --can-sign signing1 "Test signing1 key <test@example.org>"
  for key in signing3 signing4 signing5 signing8; do
    nethsm "${both[@]}" openpgp add "$key" "Test $key key <test@example.org>"
  done
  for key in signing1 signing3 signing4 signing5 signing8; do
    certificate "${name}operator1" "$key"
    has "Key flags: certification, signing" "$dir/out"
  done
done
fails 73 nethsm --user admin1 --user operator1 openpgp add signing1 "Again <test@example.org>"

section Importing OpenPGP keys
export NETHSM_OPENPGP_TSK_FILE
NETHSM_OPENPGP_TSK_FILE=$(temp openpgp-private-key.tsk)
# A key that signs by itself: sqop makes subkeys, which a device has no place for.
gpg_check --passphrase "" --quick-generate-key "Test signing10 key <test@example.org>" ed25519 sign never
gpg_check --export-secret-keys "Test signing10 key" >"$NETHSM_OPENPGP_TSK_FILE"
sqop generate-key "With subkeys <test@example.org>" >"$dir/subkeys.tsk"
fails 65 nethsm --user admin1 openpgp import "$dir/subkeys.tsk"
for name in "" namespace1~; do
  nethsm --user "${name}admin1" openpgp import --key-id signing10 --tags tag1
  certificate "${name}operator1" signing10
done

section Signing with OpenPGP
export NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE NETHSM_OPENPGP_SIGNATURE_MESSAGE
NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE=$(temp message.txt.sig) NETHSM_OPENPGP_SIGNATURE_MESSAGE=$(temp message.txt)
printf 'I like strawberries\n' >"$NETHSM_OPENPGP_SIGNATURE_MESSAGE"
good() {
  gpg --batch --trust-model always --verify "$NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE" "$NETHSM_OPENPGP_SIGNATURE_MESSAGE" 2>"$dir/gpg"
  has "Good signature" "$dir/gpg"
}
for key in signing1 signing3 signing4 signing5 signing8 signing10; do
  for user in operator1 namespace1~operator1; do
    nethsm --user "$user" openpgp sign --force "$key"
    good
    nethsm --user "$user" key cert get --force "$key"
    sqop verify "$NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE" "$NETHSM_KEY_CERT_OUTPUT_FILE" <"$NETHSM_OPENPGP_SIGNATURE_MESSAGE" >"$dir/out"
  done
done
request=$NETHSM_OPENPGP_SIGNATURE_MESSAGE.json
signstar-request-signature "$NETHSM_OPENPGP_SIGNATURE_MESSAGE" | tee "$request"
nethsm openpgp sign-state --force signing1 "$request"
good
sq packet dump "$NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE" >"$dir/out"
has data-digest@archlinux.org "$dir/out"
sha512sum "$NETHSM_OPENPGP_SIGNATURE_MESSAGE"
node -e 'console.log(JSON.stringify(JSON.parse(require("node:fs").readFileSync(0, "utf8")), null, 2))' <"$request"
nethsm openpgp sign-state --armor --output - signing1 "$request" | has "BEGIN PGP SIGNATURE"

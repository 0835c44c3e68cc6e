#!/bin/bash
# Goes through everything that `nethsm` does with a device, in the order in which a new user would, and checks each
# result with other people's programs: walkthrough.sh RELEASE. Needs nethsm, soft-nethsm, signstar-request-signature,
# openssl, gpg, sq and sqop on PATH, a directory of its own as the present one, and README.md in it.
set -Eeuo pipefail
release=$1
trap 'echo "walkthrough: line $LINENO failed: $BASH_COMMAND" >&2' ERR

dir=$PWD
temp() { mktemp --tmpdir="$dir" --dry-run --suffix "-nethsm.$1"; }
section() { echo "== $*"; }
fails() { # EXIT WORDS…: the command must end so, with one line of error
  local expected=$1 status=0
  shift
  "$@" >"$dir/out" 2>"$dir/err" || status=$?
  [[ $status -eq $expected && ! -s $dir/out ]] || { echo "$* ended with $status:" >&2; cat "$dir/out" "$dir/err" >&2; return 1; }
}
is() { [[ $1 == "$2" ]] || { echo "found '$1', not '$2'" >&2; return 1; }; }
has() { grep -qF -- "$1" "${2:-/dev/stdin}" || { echo "no '$1' in it" >&2; return 1; }; }
old() { [[ $release == 2.2 ]]; }

# The device: a software NetHSM whose data outlive it.
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
start_device() {
  : >"$dir/ready"
  soft-nethsm serve --data-dir "$dir/device" --listen "127.0.0.1:$port" --release "$release" >"$dir/ready" 2>>"$dir/device.log" &
  device=$!
  for _ in {1..200}; do [[ -s $dir/ready ]] && return; sleep 0.05; done
  return 1
}
wait_for() { for _ in {1..100}; do [[ $(nethsm health state 2>&1) == "$1" ]] && return; sleep 0.1; done; return 1; }
trap 'kill "$device" 2>/dev/null || true; gpgconf --kill all 2>/dev/null || true' EXIT
start_device

section Configuration file
export NETHSM_CONFIG
NETHSM_CONFIG=$(temp toml)
fails 78 nethsm health state
nethsm env add device --label test "https://localhost:$port/api/v1" Unsafe
is "$(stat -c %a "$NETHSM_CONFIG")" 600
admin_file=$(temp admin)
export NETHSM_PASSPHRASE_FILE=$admin_file
printf my-very-unsafe-admin-passphrase >"$NETHSM_PASSPHRASE_FILE"
nethsm env add credentials admin Administrator

section Provisioning
NETHSM_UNLOCK_PASSPHRASE_FILE=$(temp unlock)
first_unlock_file=$NETHSM_UNLOCK_PASSPHRASE_FILE
# An editor leaves a newline at the end, which does not belong to the passphrase.
echo my-very-unsafe-unlock-passphrase >"$NETHSM_UNLOCK_PASSPHRASE_FILE"
provision() {
  export NETHSM_UNLOCK_PASSPHRASE_FILE=$first_unlock_file NETHSM_ADMIN_PASSPHRASE_FILE=$admin_file
  is "$(nethsm health state)" Unprovisioned
  nethsm provision
  is "$(nethsm health state)" Operational
}
provision

section Users
declare -A file
for name in admin1 operator1 backup1 metrics1 namespace1-admin1; do
  file[$name]=$(temp "$name")
  printf 'my-very-unsafe-%s-passphrase' "$name" >"${file[$name]}"
done
known= # set once the settings know the users: the second pass makes them on the device alone
credentials() { [[ -n $known ]] || nethsm env add credentials "$@"; }
users() {
  export NETHSM_PASSPHRASE_FILE=${file[admin1]}
  is "$(nethsm --user admin user add "Some Admin1" Administrator admin1)" admin1
  credentials admin1 Administrator
  export NETHSM_PASSPHRASE_FILE=${file[operator1]}
  nethsm --user admin user add "Some Operator1" Operator operator1
  credentials operator1 Operator
  export NETHSM_PASSPHRASE_FILE=${file[backup1]}
  nethsm --user admin user add "Some Backup1" Backup backup1
  credentials backup1 Backup
  export NETHSM_PASSPHRASE_FILE=${file[metrics1]}
  nethsm --user admin user add "Some Metrics1" Metrics metrics1
  credentials metrics1 Metrics
  export NETHSM_PASSPHRASE_FILE=${file[namespace1-admin1]}
  nethsm --user admin user add "Namespace1 Admin1" Administrator namespace1~admin1
  credentials namespace1~admin1 Administrator
  nethsm --user admin namespace add namespace1
  is "$(nethsm --user admin namespace list)" namespace1
  export NETHSM_PASSPHRASE_FILE=${file[operator1]}
  nethsm --user namespace1~admin1 user add "Namespace1 Operator1" Operator namespace1~operator1
  credentials namespace1~operator1 Operator
  known=1
}
users
nethsm env list | tee "$dir/list"
has namespace1~operator1 "$dir/list"
if grep -q unsafe "$dir/list"; then exit 1; fi
for admin in admin1 namespace1~admin1; do
  nethsm --user "$admin" user list >"$dir/list"
  while read -r user; do
    nethsm --user "$admin" user get "$user" | has "$user"
  done <"$dir/list"
done
is "$(wc -l <"$dir/list")" 2
is "$(nethsm --user admin1 user list | wc -l)" 7
fails 73 nethsm --user admin1 user add "Some Admin1" Administrator admin1

section Generating keys
generate() { nethsm --user "$1" key generate --key-id "$2" --tags "$3" "${@:4}" | has "$2"; }
keys() {
  for admin in admin1 namespace1~admin1; do
    generate "$admin" signing1 tag1 Curve25519 EdDsaSignature
    if old; then generate "$admin" signing2 tag2 EcP224 EcdsaSignature; fi
    generate "$admin" signing3 tag2 EcP256 EcdsaSignature
    generate "$admin" signing4 tag2 EcP384 EcdsaSignature
    generate "$admin" signing5 tag2 EcP521 EcdsaSignature
    generate "$admin" encdec1 tag3 --length 128 Generic AesDecryptionCbc AesEncryptionCbc
    generate "$admin" dec1 tag4 --length 2048 Rsa RsaDecryptionPkcs1
    generate "$admin" signing6 tag5 --length 2048 Rsa RsaSignaturePssSha512
    generate "$admin" signing8 tag6 --length 2048 Rsa RsaSignaturePkcs1
  done
}
keys
old || fails 65 nethsm --user admin1 key generate EcP224
fails 64 nethsm --user admin1 key generate EcP256 EdDsaSignature
fails 64 nethsm --user admin1 key generate Rsa
for user in admin1 namespace1~admin1; do
  nethsm --user "$user" key list >"$dir/list"
  while read -r key; do nethsm --user "$user" key get "$key" | has "$key"; done <"$dir/list"
done
while read -r key; do nethsm key get "$key"; done < <(nethsm --user admin1 key list)

section Importing keys
pem=$(temp ed25519.pem) der=$(temp ed25519.der)
openssl genpkey -algorithm ed25519 -out "$pem"
openssl pkcs8 -topk8 -inform pem -in "$pem" -outform der -nocrypt -out "$der"
for name in "" namespace1~; do
  is "$(nethsm --user "${name}admin1" key import --key-id signing7 Curve25519 "$der" EdDsaSignature)" signing7
  is "$(nethsm --user "${name}admin1" key import --format PEM --key-id signing9 Curve25519 "$pem" EdDsaSignature)" signing9
  nethsm --user "${name}admin1" key tag signing7 tag1
  nethsm --user "${name}operator1" key get signing7 | has tag1
  is "$(nethsm --user "${name}operator1" key public-key signing7)" "$(openssl pkey -in "$pem" -pubout)"
done

section Access to keys
fails 77 nethsm --user operator1 key sign signing1 EdDsa README.md
for name in "" namespace1~; do nethsm --user "${name}admin1" user tag "${name}operator1" tag1; done
fails 77 nethsm --user admin1 user tag namespace1~operator1 tag1

section Signing messages
export NETHSM_KEY_SIGNATURE_OUTPUT_FILE NETHSM_KEY_PUBKEY_OUTPUT_FILE
NETHSM_KEY_SIGNATURE_OUTPUT_FILE=$(temp signature.sig) NETHSM_KEY_PUBKEY_OUTPUT_FILE=$(temp pubkey.pem)
digest=$(temp message.dgst)
for name in "" namespace1~; do
  for tag in tag2 tag5 tag6; do nethsm --user "${name}admin1" user tag "${name}operator1" "$tag"; done
done
verify() { openssl pkeyutl -verify -sigfile "$NETHSM_KEY_SIGNATURE_OUTPUT_FILE" -inkey "$NETHSM_KEY_PUBKEY_OUTPUT_FILE" -pubin "$@" >"$dir/out"; }
check() { # USER KEY TYPE HASH [OPENSSL OPTIONS…]
  nethsm --user "$1" key sign --force "$2" "$3" README.md
  nethsm --user "$1" key public-key --force "$2"
  if [[ $4 == raw ]]; then verify -in README.md -rawin; return; fi
  openssl dgst "-$4" -binary README.md >"$digest"
  verify -in "$digest" "${@:5}"
}
for user in operator1 namespace1~operator1; do
  check "$user" signing1 EdDsa raw
  if old; then check "$user" signing2 EcdsaP224 sha224; fi
  check "$user" signing3 EcdsaP256 sha256
  check "$user" signing4 EcdsaP384 sha384
  check "$user" signing5 EcdsaP521 sha512
  check "$user" signing6 PssSha512 sha512 -pkeyopt rsa_padding_mode:pss -pkeyopt digest:sha512 -pkeyopt rsa_pss_saltlen:-1
  check "$user" signing7 EdDsa raw
  check "$user" signing8 Pkcs1 sha256 -pkeyopt digest:sha256
done
# Without --force nothing is asked and nothing is changed; a refused request leaves no file.
before=$(sha256sum <"$NETHSM_KEY_SIGNATURE_OUTPUT_FILE")
fails 73 nethsm --user operator1 key sign signing1 EdDsa README.md
is "$(sha256sum <"$NETHSM_KEY_SIGNATURE_OUTPUT_FILE")" "$before"
fails 66 nethsm --user operator1 key sign --output none.sig nosuchkey EdDsa README.md
[[ ! -e none.sig ]]
for name in "" namespace1~; do
  nethsm --user "${name}admin1" user untag "${name}operator1" tag5
  fails 77 nethsm --user "${name}operator1" key sign --force signing6 PssSha512 README.md
done

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

section Encrypting messages
message=$(temp plain.txt)
printf 'Hello World! This is a message!!' >"$message"
export NETHSM_KEY_ENCRYPT_IV NETHSM_KEY_ENCRYPT_OUTPUT NETHSM_KEY_DECRYPT_IV NETHSM_KEY_DECRYPT_OUTPUT
NETHSM_KEY_ENCRYPT_IV=$(temp iv.txt) NETHSM_KEY_ENCRYPT_OUTPUT=$(temp message.enc)
printf 'This is unsafe!!' >"$NETHSM_KEY_ENCRYPT_IV"
NETHSM_KEY_DECRYPT_IV=$NETHSM_KEY_ENCRYPT_IV NETHSM_KEY_DECRYPT_OUTPUT=$(temp decrypted.txt)
for name in "" namespace1~; do
  nethsm --user "${name}admin1" user tag "${name}operator1" tag3
  nethsm --user "${name}operator1" key encrypt --force encdec1 "$message"
  if cmp -s "$NETHSM_KEY_ENCRYPT_OUTPUT" "$message"; then exit 1; fi
  nethsm --user "${name}operator1" key decrypt --force encdec1 "$NETHSM_KEY_ENCRYPT_OUTPUT" AesCbc
  cmp "$NETHSM_KEY_DECRYPT_OUTPUT" "$message"
done
unset NETHSM_KEY_DECRYPT_IV NETHSM_KEY_ENCRYPT_IV
encrypted=$(temp asymmetric.enc)
for name in "" namespace1~; do
  nethsm --user "${name}admin1" user tag "${name}operator1" tag4
  nethsm --user "${name}operator1" key public-key --force dec1
  openssl pkeyutl -encrypt -inkey "$NETHSM_KEY_PUBKEY_OUTPUT_FILE" -pubin -in "$message" -out "$encrypted"
  rm "$NETHSM_KEY_DECRYPT_OUTPUT"
  nethsm --user "${name}operator1" key decrypt --force dec1 "$encrypted" Pkcs1
  cmp "$NETHSM_KEY_DECRYPT_OUTPUT" "$message"
done

section Public keys
unset NETHSM_KEY_PUBKEY_OUTPUT_FILE
for key in signing{1..8} dec1; do
  [[ $key != signing2 ]] || old || continue
  for user in operator1 namespace1~operator1; do
    nethsm --user "$user" key public-key --force "$key" | openssl pkey -pubin -noout
  done
done

section Certificate signing requests
for user in operator1 namespace1~operator1; do
  nethsm --user "$user" key csr signing7 example.com | openssl req -verify -noout -subject >"$dir/out" 2>"$dir/err"
  has "CN = example.com" "$dir/out"
done

section Random bytes
export NETHSM_RANDOM_OUTPUT_FILE
NETHSM_RANDOM_OUTPUT_FILE=$(temp random)
nethsm random 200
is "$(stat -c %s "$NETHSM_RANDOM_OUTPUT_FILE")" 200

section Metrics
nethsm metrics | node -e 'if (Number(JSON.parse(require("node:fs").readFileSync(0, "utf8")).sign) < 20) process.exit(1)'

section Device configuration
is "$(nethsm --user admin1 config get boot-mode)" Attended
nethsm --user admin1 config set boot-mode Unattended
is "$(nethsm --user admin1 config get boot-mode)" Unattended
nethsm --user admin1 config get logging | has "log level"
nethsm --user admin1 config get network | has 192.168.1.1
nethsm --user admin1 config get time
nethsm --user admin1 config set time
is "$(nethsm --user admin1 config get time | cut -c 1-13)" "$(date -u +%Y-%m-%dT%H)"
nethsm --user admin1 config get tls-certificate | openssl x509 -noout
nethsm --user admin1 config set tls-generate Rsa 4096
nethsm --user admin1 config get tls-certificate | openssl x509 -noout -text >"$dir/out"
has "4096 bit" "$dir/out"
nethsm --user admin1 config get tls-public-key | openssl pkey -pubin -noout
nethsm --user admin1 config get tls-csr example.com | openssl req -verify -noout 2>"$dir/err"

section Setting passphrases
backup_file=$(temp backup-passphrase) initial_backup_file=$(temp initial-backup-passphrase)
printf my-very-unsafe-backup-passphrase >"$backup_file"
touch "$initial_backup_file"
set_backup_passphrase() {
  export NETHSM_NEW_PASSPHRASE_FILE=$backup_file NETHSM_OLD_PASSPHRASE_FILE=$initial_backup_file
  nethsm --user admin1 config set backup-passphrase
}
set_backup_passphrase
fails 77 nethsm --user admin1 config set backup-passphrase
export NETHSM_OLD_PASSPHRASE_FILE=$NETHSM_UNLOCK_PASSPHRASE_FILE NETHSM_NEW_PASSPHRASE_FILE
NETHSM_NEW_PASSPHRASE_FILE=$(temp new-unlock)
printf my-new-unsafe-unlock-passphrase >"$NETHSM_NEW_PASSPHRASE_FILE"
nethsm --user admin1 config set unlock-passphrase

section Locking
nethsm --user admin1 lock
is "$(nethsm --user admin1 health state)" Locked
nethsm --user admin1 health alive
fails 1 nethsm --user admin1 health ready
fails 69 nethsm --user admin1 key list
fails 77 nethsm unlock
sleep 1.1 # a device refuses everybody for a second after a wrong passphrase
export NETHSM_UNLOCK_PASSPHRASE_FILE=$NETHSM_NEW_PASSPHRASE_FILE
nethsm unlock
is "$(nethsm --user admin1 health state)" Operational
nethsm --user admin1 health ready
fails 1 nethsm --user admin1 health alive

section System modifications
nethsm --user admin1 system factory-reset
wait_for Unprovisioned
provision
users
keys
set_backup_passphrase
nethsm --user admin1 config set boot-mode Unattended
nethsm --user admin1 system reboot
wait_for Operational
nethsm --user admin1 system shutdown
wait "$device"
fails 69 nethsm health state
start_device
wait_for Operational
nethsm --user admin1 system info | has "$release"

section Backups
export NETHSM_BACKUP_OUTPUT_FILE
NETHSM_BACKUP_OUTPUT_FILE=$(temp backup.bkp)
nethsm system backup
mkdir unnamed
(cd unnamed && unset NETHSM_BACKUP_OUTPUT_FILE && nethsm system backup && ls test-20??-??-??T??:??:??Z.bkp)
export NETHSM_BACKUP_PASSPHRASE_FILE=$backup_file
nethsm --user admin1 key remove signing1
nethsm --user admin1 system restore "$NETHSM_BACKUP_OUTPUT_FILE"
wait_for Operational
nethsm --user admin1 key list | has signing1
export NETHSM_VALIDATE_BACKUP_PASSPHRASE_FILE=$backup_file
nethsm system validate-backup "$NETHSM_BACKUP_OUTPUT_FILE"
nethsm system validate-backup --json -U "$first_unlock_file" "$NETHSM_BACKUP_OUTPUT_FILE" | has '"depth":"values"'
nethsm backup inspect "$NETHSM_BACKUP_OUTPUT_FILE" | has /key/.namespace1/signing1
nethsm backup dump -U "$first_unlock_file" "$NETHSM_BACKUP_OUTPUT_FILE" /namespace/namespace1 | has namespace1
size=$(stat -c %s "$NETHSM_BACKUP_OUTPUT_FILE")
for at in 20 200 $((size / 2)) $((size - 30)); do
  cp "$NETHSM_BACKUP_OUTPUT_FILE" bad.bkp
  printf '\xa5\x5a' | dd of=bad.bkp bs=1 seek="$at" conv=notrunc status=none
  status=0
  nethsm system validate-backup bad.bkp 2>"$dir/err" || status=$?
  # A changed salt or version cannot be told from a wrong passphrase.
  [[ $status -eq 1 || ($at -le 200 && $status -eq 77) ]]
done

section Updates
node -e '
  const field = (bytes) => Buffer.concat([Buffer.from([0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const parts = [Buffer.alloc(256, 1), Buffer.from("What is new"), Buffer.from(process.argv[1])].map(field);
  const file = Buffer.concat([Buffer.from("_NETHSM_UPDATE_\0"), ...parts, Buffer.from([0, 0, 0, 2]), Buffer.alloc(1024)]);
  require("node:fs").writeFileSync("my-update-file.bin", file)' "$release"
is "$(nethsm --user admin1 system upload-update my-update-file.bin)" "What is new"
nethsm --user admin1 system commit-update
wait_for Operational
fails 69 nethsm --user admin1 system cancel-update
nethsm --user admin1 system upload-update my-update-file.bin
nethsm --user admin1 system cancel-update

echo "walkthrough: done"

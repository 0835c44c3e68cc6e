# shellcheck shell=bash
# Part of walkthrough.sh: what else Operators and Metrics users do.

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

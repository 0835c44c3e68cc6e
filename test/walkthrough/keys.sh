# shellcheck shell=bash
# Part of walkthrough.sh: keys: generated, imported, used for signatures.

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

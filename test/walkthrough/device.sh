# shellcheck shell=bash
# Part of walkthrough.sh: the device itself: settings, locking, backups, updates.

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

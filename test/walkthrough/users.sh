# shellcheck shell=bash
# Part of walkthrough.sh: settings, provisioning, users.

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

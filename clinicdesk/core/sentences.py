"""What each error code says to a person, in English: the one table; the desk translates these sentences, parameters included.

Short, calm, plain: what is the matter and what to do next. `{name}` stands for a parameter that the error carries.
"""

from __future__ import annotations

from clinicdesk.core.errors import ClinicError

SENTENCES: dict[str, str] = {
    # Families: what is said where nothing closer is known.
    "error": "That did not work.",
    "not_found": "It is not there any more.",
    "not_permitted": "Your role does not allow this.",
    "conflict": "This contradicts what is stored. Nothing was changed.",
    "invalid_input": "This value cannot be right.",
    "rate_limited": "Too many tries. Try again in a while.",
    "unavailable": "The clinic's data cannot be reached right now. Try again in a while.",
    "crashed": "Something went wrong. Nothing was lost. Reference: {reference}",
    "interrupted": "Stopped. Nothing was half done.",
    "nothing_on_stdin": "Standard input is empty.",
    # The key
    "key_missing": "The key of this clinic's data is not here. Restore a backup with the recovery key.",
    "key_damaged": "The file key.json cannot be read. Put a copy of it back, or restore a backup with the recovery key.",
    "keyring_unavailable": "The keyring that keeps the key of this clinic's data does not answer. Unlock it and try again.",
    "passphrase_needed": "The clinic's data is locked with a passphrase.",
    "wrong_passphrase": "This is not the passphrase of this clinic's data.",
    "wrong_key": "The key does not fit the clinic's database.",
    "recovery_key_malformed": "A recovery key has 64 digits and letters from a to f.",
    "setting_invalid": "The setting {setting} can be on or off, nothing else.",
    # The database and its folder
    "data_dir_unusable": "The folder {folder} cannot be made or used.",
    "no_clinic_here": "There is no clinic in the folder {folder}.",
    "no_access": "Access to a file or folder was refused. Check who owns the data folder and may write there.",
    "disk_full": "The disk is full. Make room and try again; nothing was half saved.",
    "disk_error": "The disk reports an error. Save a backup elsewhere and have the disk checked.",
    "database_busy": "The clinic's data is in use for longer than expected. Try again.",
    "database_read_only": "The clinic's database cannot be written to. Check who may write to the data folder.",
    "database_missing": "The clinic's database is not in its place. Restore a backup: clinicdesk restore FILE",
    "database_damaged": "The clinic's database is damaged. Restore a backup: clinicdesk restore FILE",
    "database_in_use": "ClinicDesk is open on this data. Close it everywhere and try again.",
    "database_newer": "This data was made by a newer ClinicDesk. Install that version or a later one.",
    "upgrade_failed": "The database could not be brought to this version. It is as it was, and the log says why.",
    "audit_trail_broken": "The audit trail does not accept entries: it has been tampered with. See: clinicdesk audit verify",
    # Backups
    "backup_missing": "There is no backup at {file}.",
    "backup_exists": "There is a file already at {file}. Choose another name.",
    "backup_damaged": "This backup is damaged. Nothing was changed; take another one.",
    "backup_other_key": "This is no backup of ClinicDesk, or one with another key: restore it with its recovery key.",
    # Warnings
    "key_in_file": "The key of the clinic's data lies in a file beside it. A keyring or a passphrase would keep it better.",
    "not_encrypted": "The clinic's data is not encrypted.",
    "audit_trail_differs": "The audit trail differs from what was noted of it. See: clinicdesk audit verify",
    "folder_open_to_others": "Other accounts of this computer can look into the data folder.",
    "disk_nearly_full": "The disk has no room left for a backup.",
    # Signing in and accounts
    "sign_in_refused": "The e-mail or the password is not right.",
    "sign_in_locked": "Too many wrong passwords. Try again at {until}.",
    # The clinic, its people and hours
    "clinic_already_set_up": "The clinic is set up already.",
    "clinic_not_set_up": "The clinic is not set up yet. Start the desk and answer its questions.",
    "name_taken": "This name is taken.",
    "unknown_room": "This room is not known any more.",
    "unknown_site": "This site is not known any more.",
    "unknown_zone": "{zone} is not a time zone.",
    "unknown_country": "No public holidays are known for {country}.",
    "record_prefix": "A prefix of record numbers has up to eight letters.",
    "weekday": "A week has seven days.",
    "whole_minutes": "Times are whole minutes.",
    "shifts_overlap": "Two working times of the same day overlap.",
    "absence_not_found": "This absence is not there any more.",
    "holiday_not_found": "This public holiday is not there any more.",
    "practitioner_not_found": "This practitioner is not known any more.",
    "room_not_found": "This room is not known any more.",
    "site_not_found": "This site is not known any more.",
    # Values
    "empty": "This cannot be empty.",
    "missing": "This cannot be empty.",
    "too_long": "This is too long.",
    "too_short": "This is too short.",
    "too_many": "These are too many; {most} is the limit.",
    "out_of_range": "This has to be between {least} and {most}.",
    "control_characters": "This has characters that cannot be stored.",
    "email_not_right": "This is not an e-mail address.",
    "changed_meanwhile": "Somebody else has changed this in the meantime. Look at it again.",
    # Patients
    "patient_not_found": "This patient is not known any more.",
    "name_missing": "A patient needs a name.",
    "phone_without_digits": "A phone number has digits.",
    "birth_date_in_future": "The birth date lies in the future.",
    "birth_date_too_early": "The birth date lies too far back; {earliest} is the earliest.",
    "deceased_before_birth": "The date of death lies before the birth date.",
    "deceased_in_future": "The date of death lies in the future.",
    # Visits
    "visit_not_found": "This visit is not there any more.",
    "type_not_found": "This type of visit is not known any more.",
    "slot_taken": "This time is taken.",
    "outside_hours": "This is outside working hours.",
    "in_the_past": "This time has passed.",
    "ends_before_it_begins": "The end lies before the beginning.",
    "ends_before_start": "The end lies before the beginning.",
    "no_opening_today": "There is no free time left today.",
    "not_movable": "This visit cannot be moved any more.",
    "visit_started": "This visit has begun.",
    "illegal_transition": "A visit cannot change in this way.",
    "no_next_step": "There is no next step for this visit.",
    "no_step_back": "There is no step back for this visit.",
    "status_not_bookable": "A visit cannot be booked with this status.",
    "unknown_cancel_reason": "This reason is not in the list.",
    "patient_deceased": "This patient has died; a visit cannot be booked.",
    "patient_inactive": "This patient's record is not active; a visit cannot be booked.",
    "practitioner_inactive": "{practitioner} does not take visits any more.",
    "room_inactive": "{room} is not in use any more.",
    "type_inactive": "{type} is not booked any more.",
}


def english(error: ClinicError) -> str:
    """The sentence of an error for the command line, with its parameters filled in."""
    sentence = SENTENCES.get(error.reason) or SENTENCES[type(error).code]
    for name, value in error.params.items():
        sentence = sentence.replace("{" + name + "}", str(value))
    return sentence

"""What the audit log says that somebody did: each verb in words, with its glyph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from clinicdesk.features.audit.schemas import AuditRow

if TYPE_CHECKING:

    def QT_TRANSLATE_NOOP(context: str, text: str) -> str: ...  # PySide6 declares it to return object

else:
    from PySide6.QtCore import QT_TRANSLATE_NOOP


def _tr(text: str) -> str:
    return QCoreApplication.translate("Deeds", text)


DEEDS: dict[str, tuple[str, str]] = {
    "appointments.advance": (QT_TRANSLATE_NOOP("Deeds", "Took visit a step on"), "ph.arrow-bend-up-right"),
    "appointments.arrive": (QT_TRANSLATE_NOOP("Deeds", "Noted arrival"), "ph.armchair"),
    "appointments.book": (QT_TRANSLATE_NOOP("Deeds", "Booked visit"), "ph.calendar-plus"),
    "appointments.cancel": (QT_TRANSLATE_NOOP("Deeds", "Cancelled visit"), "ph.x-circle"),
    "appointments.check_in": (QT_TRANSLATE_NOOP("Deeds", "Checked in visit"), "ph.sign-in"),
    "appointments.confirm": (QT_TRANSLATE_NOOP("Deeds", "Confirmed visit"), "ph.check-circle"),
    "appointments.correct_past": (QT_TRANSLATE_NOOP("Deeds", "Corrected past visit"), "ph.pencil-simple"),
    "appointments.edit": (QT_TRANSLATE_NOOP("Deeds", "Changed visit"), "ph.pencil-simple"),
    "appointments.fulfil": (QT_TRANSLATE_NOOP("Deeds", "Finished visit"), "ph.check"),
    "appointments.make_pending": (QT_TRANSLATE_NOOP("Deeds", "Asked for acceptance"), "ph.hourglass"),
    "appointments.mark_entered_in_error": (QT_TRANSLATE_NOOP("Deeds", "Marked visit as error"), "ph.eraser"),
    "appointments.no_show": (QT_TRANSLATE_NOOP("Deeds", "Noted no-show"), "ph.user-minus"),
    "appointments.open_visit": (QT_TRANSLATE_NOOP("Deeds", "Opened visit"), "ph.eye"),
    "appointments.patients_of_practitioner": (QT_TRANSLATE_NOOP("Deeds", "Saw a doctor's patients"), "ph.eye"),
    "appointments.propose": (QT_TRANSLATE_NOOP("Deeds", "Proposed visit"), "ph.circle-dashed"),
    "appointments.put_on_waitlist": (QT_TRANSLATE_NOOP("Deeds", "Put on waitlist"), "ph.list-plus"),
    "appointments.record_past": (QT_TRANSLATE_NOOP("Deeds", "Recorded past visit"), "ph.calendar-plus"),
    "appointments.reinstate": (QT_TRANSLATE_NOOP("Deeds", "Reinstated visit"), "ph.arrow-u-up-left"),
    "appointments.reschedule": (QT_TRANSLATE_NOOP("Deeds", "Moved visit"), "ph.arrows-clockwise"),
    "appointments.revert": (QT_TRANSLATE_NOOP("Deeds", "Undid a change"), "ph.arrow-u-up-left"),
    "appointments.save_type": (QT_TRANSLATE_NOOP("Deeds", "Changed visit type"), "ph.tag"),
    "appointments.start_visit": (QT_TRANSLATE_NOOP("Deeds", "Took patient into room"), "ph.door"),
    "appointments.step_back": (QT_TRANSLATE_NOOP("Deeds", "Took visit a step back"), "ph.arrow-u-up-left"),
    "appointments.visits_of_patient": (QT_TRANSLATE_NOOP("Deeds", "Saw a patient's visits"), "ph.eye"),
    "appointments.walk_in": (QT_TRANSLATE_NOOP("Deeds", "Took in walk-in"), "ph.calendar-plus"),
    "audit.access_log": (QT_TRANSLATE_NOOP("Deeds", "Read access log"), "ph.eye"),
    "audit.access_log_page": (QT_TRANSLATE_NOOP("Deeds", "Read access log"), "ph.eye"),
    "audit.list_entries": (QT_TRANSLATE_NOOP("Deeds", "Read audit log"), "ph.eye"),
    "audit.note_verification": (QT_TRANSLATE_NOOP("Deeds", "Verified audit log"), "ph.shield-check"),
    "audit.verify": (QT_TRANSLATE_NOOP("Deeds", "Verified audit log"), "ph.shield-check"),
    "care.edit_care_settings": (QT_TRANSLATE_NOOP("Deeds", "Changed how far care reaches"), "ph.sliders-horizontal"),
    "care.emergencies": (QT_TRANSLATE_NOOP("Deeds", "Saw emergency accesses"), "ph.eye"),
    "care.end_emergency": (QT_TRANSLATE_NOOP("Deeds", "Ended emergency access"), "ph.sign-out"),
    "care.open_emergency": (QT_TRANSLATE_NOOP("Deeds", "Broke the glass of a record"), "ph.warning"),
    "care.review": (QT_TRANSLATE_NOOP("Deeds", "Reviewed emergency access"), "ph.shield-check"),
    "chat.add_members": (QT_TRANSLATE_NOOP("Deeds", "Asked into conversation"), "ph.user-plus"),
    "chat.create_group": (QT_TRANSLATE_NOOP("Deeds", "Began group"), "ph.chats"),
    "chat.create_room": (QT_TRANSLATE_NOOP("Deeds", "Made room to talk"), "ph.chats"),
    "chat.delete_message": (QT_TRANSLATE_NOOP("Deeds", "Deleted own chat message"), "ph.eraser"),
    "chat.edit_message": (QT_TRANSLATE_NOOP("Deeds", "Changed own chat message"), "ph.pencil-simple"),
    "chat.enter_room": (QT_TRANSLATE_NOOP("Deeds", "Entered room to talk"), "ph.chats"),
    "chat.leave": (QT_TRANSLATE_NOOP("Deeds", "Left conversation"), "ph.sign-out"),
    "chat.mark_read": (QT_TRANSLATE_NOOP("Deeds", "Read conversation"), "ph.eye"),
    "chat.members_of": (QT_TRANSLATE_NOOP("Deeds", "Passed on what was said"), "ph.eye"),
    "chat.open_direct": (QT_TRANSLATE_NOOP("Deeds", "Began conversation"), "ph.chats"),
    "chat.say": (QT_TRANSLATE_NOOP("Deeds", "Wrote in conversation"), "ph.chats"),
    "feed.changes_since": (QT_TRANSLATE_NOOP("Deeds", "Followed changes"), "ph.eye"),
    "feed.forget_changes": (QT_TRANSLATE_NOOP("Deeds", "Cleared the log of changes"), "ph.eraser"),
    "documents.edit_document": (QT_TRANSLATE_NOOP("Deeds", "Changed document"), "ph.pencil-simple"),
    "documents.file_document": (QT_TRANSLATE_NOOP("Deeds", "Filed document"), "ph.file-plus"),
    "documents.get_document": (QT_TRANSLATE_NOOP("Deeds", "Looked up document"), "ph.eye"),
    "documents.list_documents": (QT_TRANSLATE_NOOP("Deeds", "Listed documents"), "ph.eye"),
    "documents.note_sweep": (QT_TRANSLATE_NOOP("Deeds", "Cleared the archive of files"), "ph.eraser"),
    "documents.open_content": (QT_TRANSLATE_NOOP("Deeds", "Opened document"), "ph.eye"),
    "documents.open_photo": (QT_TRANSLATE_NOOP("Deeds", "Saw a patient's picture"), "ph.eye"),
    "documents.open_thumbnail": (QT_TRANSLATE_NOOP("Deeds", "Saw document in small"), "ph.eye"),
    "documents.remove_document": (QT_TRANSLATE_NOOP("Deeds", "Removed document"), "ph.eraser"),
    "documents.remove_own_avatar": (QT_TRANSLATE_NOOP("Deeds", "Removed own picture"), "ph.eraser"),
    "documents.remove_photo": (QT_TRANSLATE_NOOP("Deeds", "Removed a patient's picture"), "ph.eraser"),
    "documents.restore_document": (QT_TRANSLATE_NOOP("Deeds", "Put back document"), "ph.arrow-u-up-left"),
    "documents.set_own_avatar": (QT_TRANSLATE_NOOP("Deeds", "Changed own picture"), "ph.user-circle"),
    "documents.set_photo": (QT_TRANSLATE_NOOP("Deeds", "Changed a patient's picture"), "ph.user-circle"),
    "interop.export_patients": (QT_TRANSLATE_NOOP("Deeds", "Exported patients"), "ph.upload-simple"),
    "interop.take_in": (QT_TRANSLATE_NOOP("Deeds", "Imported records"), "ph.download-simple"),
    "interop.take_patients": (QT_TRANSLATE_NOOP("Deeds", "Imported patients"), "ph.download-simple"),
    "jobs.begin_job": (QT_TRANSLATE_NOOP("Deeds", "Began a job"), "ph.hourglass"),
    "jobs.end_job": (QT_TRANSLATE_NOOP("Deeds", "Finished a job"), "ph.check"),
    "medications.check_medicine": (QT_TRANSLATE_NOOP("Deeds", "Checked a medicine"), "ph.shield-check"),
    "medications.complete": (QT_TRANSLATE_NOOP("Deeds", "Completed prescription"), "ph.check"),
    "medications.current_medications": (QT_TRANSLATE_NOOP("Deeds", "Read medications"), "ph.eye"),
    "medications.dispense": (QT_TRANSLATE_NOOP("Deeds", "Noted a supply"), "ph.pill"),
    "medications.edit_draft": (QT_TRANSLATE_NOOP("Deeds", "Changed draft prescription"), "ph.pencil-simple"),
    "medications.enable_reminder": (QT_TRANSLATE_NOOP("Deeds", "Turned reminder on or off"), "ph.bell"),
    "medications.hold": (QT_TRANSLATE_NOOP("Deeds", "Paused medicine"), "ph.pause"),
    "medications.mark_entered_in_error": (QT_TRANSLATE_NOOP("Deeds", "Marked prescription as error"), "ph.eraser"),
    "medications.open_medication": (QT_TRANSLATE_NOOP("Deeds", "Opened prescription"), "ph.eye"),
    "medications.past_medications": (QT_TRANSLATE_NOOP("Deeds", "Read past medications"), "ph.eye"),
    "medications.prescribe": (QT_TRANSLATE_NOOP("Deeds", "Prescribed medicine"), "ph.pill"),
    "medications.reminders_of_patient": (QT_TRANSLATE_NOOP("Deeds", "Read reminders"), "ph.eye"),
    "medications.renew": (QT_TRANSLATE_NOOP("Deeds", "Renewed prescription"), "ph.arrows-clockwise"),
    "medications.resume": (QT_TRANSLATE_NOOP("Deeds", "Resumed medicine"), "ph.play"),
    "medications.save_reminder": (QT_TRANSLATE_NOOP("Deeds", "Changed reminder"), "ph.bell"),
    "medications.sign": (QT_TRANSLATE_NOOP("Deeds", "Signed prescription"), "ph.pill"),
    "medications.stop": (QT_TRANSLATE_NOOP("Deeds", "Stopped medicine"), "ph.stop"),
    "medications.withdraw": (QT_TRANSLATE_NOOP("Deeds", "Withdrew prescription"), "ph.x-circle"),
    "observations.correct": (QT_TRANSLATE_NOOP("Deeds", "Corrected value"), "ph.pencil-simple"),
    "observations.latest": (QT_TRANSLATE_NOOP("Deeds", "Read latest values"), "ph.eye"),
    "observations.list_observations": (QT_TRANSLATE_NOOP("Deeds", "Read values"), "ph.eye"),
    "observations.mark_wrong": (QT_TRANSLATE_NOOP("Deeds", "Marked value as error"), "ph.eraser"),
    "observations.record": (QT_TRANSLATE_NOOP("Deeds", "Recorded value"), "ph.heartbeat"),
    "observations.trend": (QT_TRANSLATE_NOOP("Deeds", "Read values over time"), "ph.eye"),
    "merging.merge": (QT_TRANSLATE_NOOP("Deeds", "Merged two records"), "ph.link"),
    "merging.unmerge": (QT_TRANSLATE_NOOP("Deeds", "Took merged records apart"), "ph.arrow-u-up-left"),
    "notifications.claim_due": (QT_TRANSLATE_NOOP("Deeds", "Took messages to send"), "ph.paper-plane-tilt"),
    "notifications.edit_messaging": (QT_TRANSLATE_NOOP("Deeds", "Changed what is sent"), "ph.gear"),
    "notifications.edit_preferences": (QT_TRANSLATE_NOOP("Deeds", "Changed own notifications"), "ph.bell"),
    "notifications.expire_leases": (QT_TRANSLATE_NOOP("Deeds", "Lost track of message"), "ph.warning"),
    "notifications.forget_told_reminders": (QT_TRANSLATE_NOOP("Deeds", "Cleared told reminders"), "ph.eraser"),
    "notifications.hold_back": (QT_TRANSLATE_NOOP("Deeds", "Held back message"), "ph.prohibit"),
    "notifications.mark_all_read": (QT_TRANSLATE_NOOP("Deeds", "Read notifications"), "ph.eye"),
    "notifications.mark_failed": (QT_TRANSLATE_NOOP("Deeds", "Could not send message"), "ph.warning"),
    "notifications.mark_read": (QT_TRANSLATE_NOOP("Deeds", "Read notification"), "ph.eye"),
    "notifications.mark_sent": (QT_TRANSLATE_NOOP("Deeds", "Sent message"), "ph.paper-plane-tilt"),
    "notifications.mark_unknown": (QT_TRANSLATE_NOOP("Deeds", "Lost track of message"), "ph.warning"),
    "notifications.remind_of_medicines": (QT_TRANSLATE_NOOP("Deeds", "Reminded of medicines"), "ph.bell"),
    "notifications.remove": (QT_TRANSLATE_NOOP("Deeds", "Deleted notification"), "ph.eraser"),
    "notifications.remove_reminder_rule": (QT_TRANSLATE_NOOP("Deeds", "Removed reminder"), "ph.bell"),
    "notifications.save_reminder_rule": (QT_TRANSLATE_NOOP("Deeds", "Changed reminder"), "ph.bell"),
    "notifications.send_again": (QT_TRANSLATE_NOOP("Deeds", "Sent message again"), "ph.paper-plane-tilt"),
    "notifications.set_contact_preference": (QT_TRANSLATE_NOOP("Deeds", "Changed how to reach"), "ph.address-book"),
    "patients.allergies_checked": (QT_TRANSLATE_NOOP("Deeds", "Checked allergies"), "ph.first-aid"),
    "patients.edit": (QT_TRANSLATE_NOOP("Deeds", "Changed patient"), "ph.pencil-simple"),
    "patients.edit_contact_details": (QT_TRANSLATE_NOOP("Deeds", "Changed contact details"), "ph.address-book"),
    "patients.find_duplicates": (QT_TRANSLATE_NOOP("Deeds", "Looked for duplicates"), "ph.magnifying-glass"),
    "patients.list_allergies": (QT_TRANSLATE_NOOP("Deeds", "Read allergies"), "ph.eye"),
    "patients.list_contacts": (QT_TRANSLATE_NOOP("Deeds", "Read contacts"), "ph.eye"),
    "patients.list_patients": (QT_TRANSLATE_NOOP("Deeds", "Listed patients"), "ph.eye"),
    "patients.look_up": (QT_TRANSLATE_NOOP("Deeds", "Searched patients"), "ph.magnifying-glass"),
    "patients.mark_deceased": (QT_TRANSLATE_NOOP("Deeds", "Noted death"), "ph.file-text"),
    "patients.mark_living": (QT_TRANSLATE_NOOP("Deeds", "Took back note of death"), "ph.file-text"),
    "patients.note_search": (QT_TRANSLATE_NOOP("Deeds", "Searched patients"), "ph.magnifying-glass"),
    "patients.open_record": (QT_TRANSLATE_NOOP("Deeds", "Opened record"), "ph.eye"),
    "patients.register": (QT_TRANSLATE_NOOP("Deeds", "Registered patient"), "ph.user-plus"),
    "patients.remove_allergy": (QT_TRANSLATE_NOOP("Deeds", "Removed allergy"), "ph.first-aid"),
    "patients.remove_contact": (QT_TRANSLATE_NOOP("Deeds", "Removed contact"), "ph.address-book"),
    "patients.restore_allergy": (QT_TRANSLATE_NOOP("Deeds", "Put back allergy"), "ph.first-aid"),
    "patients.restore_contact": (QT_TRANSLATE_NOOP("Deeds", "Put back contact"), "ph.address-book"),
    "patients.reveal": (QT_TRANSLATE_NOOP("Deeds", "Showed hidden fields"), "ph.eye"),
    "patients.save_allergy": (QT_TRANSLATE_NOOP("Deeds", "Changed allergy"), "ph.first-aid"),
    "patients.save_contact": (QT_TRANSLATE_NOOP("Deeds", "Changed contact"), "ph.address-book"),
    "practitioners.add_absence": (QT_TRANSLATE_NOOP("Deeds", "Added leave or block"), "ph.calendar-x"),
    "practitioners.edit_clinic": (QT_TRANSLATE_NOOP("Deeds", "Changed clinic settings"), "ph.gear"),
    "practitioners.load_public_holidays": (QT_TRANSLATE_NOOP("Deeds", "Loaded public holidays"), "ph.calendar-blank"),
    "practitioners.remove_absence": (QT_TRANSLATE_NOOP("Deeds", "Removed leave or block"), "ph.calendar-x"),
    "practitioners.remove_holiday": (QT_TRANSLATE_NOOP("Deeds", "Removed public holiday"), "ph.calendar-blank"),
    "practitioners.restore_absence": (QT_TRANSLATE_NOOP("Deeds", "Put back leave or block"), "ph.calendar-x"),
    "practitioners.save_holiday": (QT_TRANSLATE_NOOP("Deeds", "Changed public holiday"), "ph.calendar-blank"),
    "practitioners.save_practitioner": (QT_TRANSLATE_NOOP("Deeds", "Changed practitioner"), "ph.user-plus"),
    "practitioners.save_room": (QT_TRANSLATE_NOOP("Deeds", "Changed room"), "ph.door"),
    "practitioners.save_site": (QT_TRANSLATE_NOOP("Deeds", "Changed site"), "ph.buildings"),
    "practitioners.set_up_clinic": (QT_TRANSLATE_NOOP("Deeds", "Set up clinic"), "ph.buildings"),
    "practitioners.set_weekly_hours": (QT_TRANSLATE_NOOP("Deeds", "Set weekly hours"), "ph.clock"),
    "upkeep.back_up": (QT_TRANSLATE_NOOP("Deeds", "Backed up"), "ph.download-simple"),
    "upkeep.check": (QT_TRANSLATE_NOOP("Deeds", "Checked the system"), "ph.wrench"),
    "upkeep.restore": (QT_TRANSLATE_NOOP("Deeds", "Restored backup"), "ph.upload-simple"),
    "upkeep.set_passphrase": (QT_TRANSLATE_NOOP("Deeds", "Set passphrase of the data"), "ph.lock-key"),
    "upkeep.show_recovery_key": (QT_TRANSLATE_NOOP("Deeds", "Saw recovery key"), "ph.key"),
    "upkeep.upgrade": (QT_TRANSLATE_NOOP("Deeds", "Upgraded database"), "ph.wrench"),
    "users.add_user": (QT_TRANSLATE_NOOP("Deeds", "Added user"), "ph.user-plus"),
    "users.change_password": (QT_TRANSLATE_NOOP("Deeds", "Changed own password"), "ph.key"),
    "users.confirm": (QT_TRANSLATE_NOOP("Deeds", "Confirmed second step"), "ph.shield-check"),
    "users.disable": (QT_TRANSLATE_NOOP("Deeds", "Turned own second step off"), "ph.shield-check"),
    "users.edit_own_name": (QT_TRANSLATE_NOOP("Deeds", "Changed own name"), "ph.pencil-simple"),
    "users.edit_user": (QT_TRANSLATE_NOOP("Deeds", "Changed user"), "ph.pencil-simple"),
    "users.enrol": (QT_TRANSLATE_NOOP("Deeds", "Began a second step"), "ph.shield-check"),
    "users.ensure_active": (QT_TRANSLATE_NOOP("Deeds", "Used an account that is off"), "ph.prohibit"),
    "users.forget_answers": (QT_TRANSLATE_NOOP("Deeds", "Cleared kept answers"), "ph.eraser"),
    "users.forget_sessions": (QT_TRANSLATE_NOOP("Deeds", "Cleared old sessions"), "ph.eraser"),
    "users.forgot_password": (QT_TRANSLATE_NOOP("Deeds", "Asked for a new password"), "ph.key"),
    "users.keep": (QT_TRANSLATE_NOOP("Deeds", "Kept an answer"), "ph.eye"),
    "users.link_patient": (QT_TRANSLATE_NOOP("Deeds", "Linked account to record"), "ph.link"),
    "users.list_users": (QT_TRANSLATE_NOOP("Deeds", "Saw users"), "ph.eye"),
    "users.open_sessions": (QT_TRANSLATE_NOOP("Deeds", "Looked at open sessions"), "ph.eye"),
    "users.log_in": (QT_TRANSLATE_NOOP("Deeds", "Logged in over the network"), "ph.sign-in"),
    "users.log_in_with_code": (QT_TRANSLATE_NOOP("Deeds", "Logged in with second step"), "ph.sign-in"),
    "users.log_out": (QT_TRANSLATE_NOOP("Deeds", "Logged out"), "ph.sign-out"),
    "users.recall": (QT_TRANSLATE_NOOP("Deeds", "Repeated an answer"), "ph.eye"),
    "users.refresh": (QT_TRANSLATE_NOOP("Deeds", "Renewed a session"), "ph.sign-in"),
    "users.register": (QT_TRANSLATE_NOOP("Deeds", "Registered an account"), "ph.user-plus"),
    "users.remove_second_factor": (QT_TRANSLATE_NOOP("Deeds", "Removed a second step"), "ph.shield-check"),
    "users.renew_recovery_codes": (QT_TRANSLATE_NOOP("Deeds", "Renewed recovery codes"), "ph.key"),
    "users.replace_lost_password": (QT_TRANSLATE_NOOP("Deeds", "Replaced lost password"), "ph.key"),
    "users.reset_password": (QT_TRANSLATE_NOOP("Deeds", "Gave new password"), "ph.key"),
    "users.send_verification": (QT_TRANSLATE_NOOP("Deeds", "Sent e-mail check"), "ph.envelope-simple"),
    "users.set_active": (QT_TRANSLATE_NOOP("Deeds", "Turned user on or off"), "ph.user-minus"),
    "users.sign_in": (QT_TRANSLATE_NOOP("Deeds", "Signed in"), "ph.sign-in"),
    "users.sign_out": (QT_TRANSLATE_NOOP("Deeds", "Signed out"), "ph.sign-out"),
    "users.unlock": (QT_TRANSLATE_NOOP("Deeds", "Unlocked desk"), "ph.lock-simple-open"),
    "users.verify_email": (QT_TRANSLATE_NOOP("Deeds", "Verified e-mail"), "ph.envelope-simple"),
}


def deed(row: AuditRow) -> tuple[str, str]:
    """What was done, in words and as a glyph. What only reads is logged when it is refused, by its name."""
    named = row.verb.partition(".")[2].replace("_", " ").capitalize()
    source, glyph = DEEDS.get(row.verb, (named, "ph.eye"))
    words = _tr(source)
    if row.outcome == "refused":
        return _tr("Refused: {what}").replace("{what}", words[:1].lower() + words[1:]), "ph.prohibit"
    if row.outcome == "failed":
        return _tr("Failed: {what}").replace("{what}", words[:1].lower() + words[1:]), "ph.prohibit"
    return words, glyph


def verbs_called(text: str) -> tuple[str, ...]:
    """The verbs whose words have `text` in them."""
    wanted = text.strip().casefold()
    if not wanted:
        return ()
    return tuple(verb for verb, (words, _) in DEEDS.items() if wanted in _tr(words).casefold())

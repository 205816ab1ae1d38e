"""The words of the form's script; see server.web.map.strings."""

from django.utils.translation import gettext_lazy as _

PLACE = {
    "locating": _("Finding your position…"),
    "located": _("Your position, ±{n} m"),
    "located_roughly": _("Your position, only ±{n} m. Please look on the map whether it is right."),
    "pointed": _("The point on the map"),
    "no_position": _("Your position could not be found. Choose the place on the map, or search for the area."),
    "position_denied": _("This page may not see your position. Choose the place on the map, or search for the area."),
    "change": _("Choose another"),
    "landmark_needed": _("Please name the street, or something by which the place is found."),
    "place_needed": _("Please say where it is."),
    "area_needed": _("Please choose an area, or the whole city."),
    "areas_found": _("{n} areas found"),
    "areas_found_one": _("1 area found"),
    "no_area_found": _("No area of this name"),
    "search_area": _("Search for a subdistrict or district"),
    "map_hint": _(
        "Move the map until the tip of the pin shows the place. With the keyboard: arrows move, + and − zoom."
    ),
    "map_label": _("Map on which the place is chosen"),
    "map_failed": _("The map cannot be shown here. Use your position, or search for the area."),
    "loading_map": _("Loading the map…"),
    "zoom_in": _("Zoom in"),
    "zoom_out": _("Zoom out"),
}

SIMILAR = {
    "is_it_one": _("Is it one of these?"),
    "already_open": _("These are open nearby. Supporting one counts as much as another report, and helps more."),
    "supporters": _("{n} supporters"),
    "supporters_one": _("1 supporter"),
    "away": _("{n} m away"),
    "support": _("Yes, I support this"),
    "look": _("Look at it"),
    "none_of_these": _("No, mine is another"),
    "supported": _("Thank you, your support counts: {n} supporters now."),
    "supported_one": _("Thank you, your support counts: 1 supporter now."),
    "supported_hint": _("You need not send anything more."),
    "follow_it": _("See how it stands"),
    "support_failed": _("This did not work: {detail}"),
    "no_description": _("No description."),
    "just_now": _("just now"),
}

PHOTOS = {
    "remove_photo": _("Remove photo {n}"),
    "photo": _("Photo {n}"),
    "photo_unreadable": _("{name} is no picture that can be read here. Please choose a JPEG, PNG or WebP photo."),
    "too_many_photos": _("At most {n} photos go with a report."),
    "shrinking": _("Making the photo smaller…"),
}

SENDING = {
    "category_needed": _("Please choose what it is about."),
    "description_needed": _("Please write a few words, or add a photo."),
    "wish_needed": _("Please write what you wish for."),
    "email_wrong": _("This is no e-mail address."),
    "see_below": _("Something is missing; see below."),
    "sending": _("Sending…"),
    "send": _("Send the report"),
    "send_wish": _("Send the wish"),
    "refused": _("It was not taken: {detail}"),
    "not_kept": _(
        "No connection, and this browser cannot keep the report for later. What you typed is still here: send it again later."
    ),
}

KEPT = {
    "kept_title": _("Kept on this phone"),
    "kept_offline": _("There is no connection. It is sent by itself as soon as there is one."),
    "kept_busy": _("The service cannot take it just now. It is sent by itself in a while."),
    "kept_open": _("If your browser does not send in the background, open this page again once you are connected."),
    "queue": _("From this phone"),
    "waiting": _("Waits for a connection"),
    "queue_refused": _("Was not taken: {detail}"),
    "queue_sent": _("Sent: number {id}"),
    "written_at": _("Written {time}"),
    "send_now": _("Send now"),
    "delete": _("Delete"),
    "mend": _("Mend and send"),
    "confirm_delete": _("Delete this report? It has not been sent."),
    "forget": _("Remove from this list"),
    "open_link": _("Follow it"),
}

RECEIPT = {
    "thanks": _("Thank you. Your report has arrived."),
    "thanks_wish": _("Thank you. Your wish has arrived."),
    "number": _("Its number"),
    "follow": _("Follow my report"),
    "link_hint": _(
        "By this link you see how it stands, say whether it is done, and open it again if not. It is good for {n} days. Keep it, and "
        "keep it to yourself: who has it can answer for you."
    ),
    "copy_link": _("Copy the link"),
    "copied": _("Copied"),
    "public_page": _("Public page, to be passed on"),
    "another": _("Send another report"),
    "mail_follows": _("The link comes by e-mail as well."),
}


def form_strings() -> dict[str, str]:
    """Every string by its key, in the language of the page."""
    groups = (PLACE, SIMILAR, PHOTOS, SENDING, KEPT, RECEIPT)
    return {name: str(text) for group in groups for name, text in group.items()}

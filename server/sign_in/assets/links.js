// A link from a mail carries its tokens behind the #, which no server sees: post them to ours, and take them out of the
// address and the browser's history first.
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const form = document.getElementById("link");
if (given.get("refresh_token")) {
  form.refresh_token.value = given.get("refresh_token");
  form.kind.value = given.get("type") || "";
  form.submit();
} else {
  const state = document.getElementById("state");
  state.className = "complaint";
  state.textContent = given.get("error_code") === "otp_expired" || given.get("error")
    ? "This link has expired or was used before. Ask for a new one."
    : "This address only works when it is opened from a mail.";
}

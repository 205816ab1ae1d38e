"""The hunt for personal data: what is planted, how every route is asked, how every form of an answer is read."""
